use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hookwire_boot::Origin;
use hookwire_secrets::SecretsConfig;

use crate::KEYS;

/// How long the file may take, and then all other references: together less than the 10 s that Lambda gives a function for
/// its start, or nobody would read why it failed.
const FILE_WITHIN: Duration = Duration::from_secs(3);
const REST_WITHIN: Duration = Duration::from_secs(6);

/// Fetches what the references among the settings stand for (`secretsmanager:…`, `ssm:…`); without any it does nothing.
/// `HOOKWIRE_CONFIG` may be one, too, and then stands for the text of the file.
///
/// What cannot be had is told with all other mistakes, of the settings that a function reads.
pub async fn resolved(origin: Origin) -> Origin {
    let origin = match origin.file_reference().map(str::to_owned) {
        None => origin,
        Some(reference) => {
            let fetched = fetch(&origin, [reference].into(), FILE_WITHIN).await;
            fetched.into_values().fold(origin, Origin::with_file)
        }
    };
    let references = origin.references(&KEYS);
    let fetched = fetch(&origin, references, REST_WITHIN).await;
    origin.with_fetched(fetched)
}

async fn fetch(
    origin: &Origin,
    references: BTreeSet<String>,
    within: Duration,
) -> BTreeMap<String, Result<String, String>> {
    if references.is_empty() {
        return BTreeMap::new();
    }
    let mut config = SecretsConfig::from_variables(|name| origin.variable(name));
    config.within = within;
    let fetched = hookwire_secrets::fetch(references, &config).await;
    let told = |outcome: Result<_, hookwire_secrets::FetchError>| {
        outcome.map_err(|error| error.to_string())
    };
    fetched.into_iter().map(|(reference, outcome)| (reference, told(outcome))).collect()
}
