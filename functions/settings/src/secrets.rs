use hookwire_boot::Origin;
use hookwire_secrets::SecretsConfig;

use crate::KEYS;

/// Fetches what the references among the settings stand for (`secretsmanager:…`, `ssm:…`); without any it does nothing.
///
/// What cannot be had is told with all other mistakes, of the settings that a function reads.
pub async fn resolved(origin: Origin) -> Origin {
    let references = origin.references(&KEYS);
    if references.is_empty() {
        return origin;
    }
    let config = SecretsConfig::from_variables(|name| origin.variable(name));
    let fetched = hookwire_secrets::fetch(references, &config).await;
    origin.with_fetched(fetched.into_iter().map(|(reference, outcome)| {
        let outcome = outcome.map_err(|error| error.to_string());
        (reference, outcome)
    }))
}
