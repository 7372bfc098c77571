//! Secrets out of AWS Secrets Manager and SSM Parameter Store, fetched once at the start.
//!
//! A function that starts cold waits for this, so it is two calls over the HTTP client that is linked anyway, and none of
//! the generated clients.

mod answer;
mod call;
mod client;
mod config;
mod credentials;
mod error;
mod reference;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

pub use config::SecretsConfig;
pub use error::{FetchError, Trouble};

use crate::call::Call;
use crate::client::Client;
use crate::reference::{Reference, Secret};

/// Fetches what each of these references stands for, all of them at once.
///
/// A reference is `secretsmanager:NAME_OR_ARN`, `secretsmanager:NAME_OR_ARN#JSON_KEY` or `ssm:NAME_OR_ARN`. A secret is
/// asked for once however many of its keys are wanted. Every reference is answered within [`SecretsConfig::within`].
pub async fn fetch(
    references: impl IntoIterator<Item = String>,
    config: &SecretsConfig,
) -> BTreeMap<String, Result<String, FetchError>> {
    let parsed: Vec<(String, Result<Reference, FetchError>)> =
        references.into_iter().map(|text| (text.clone(), text.parse())).collect();
    let wanted = parsed.iter().filter_map(|(_, reference)| reference.as_ref().ok());
    let mut secrets: Vec<&Secret> = wanted.map(|reference| &reference.secret).collect();
    secrets.sort();
    secrets.dedup();
    let texts = fetch_all(&secrets, config).await;
    let outcomes = parsed.iter().map(|(text, reference)| {
        let outcome = reference.as_ref().map_err(FetchError::clone);
        (text.clone(), outcome.and_then(|reference| pick(reference, &texts)))
    });
    outcomes.collect()
}

/// The part of a secret that a reference means.
fn pick(reference: &Reference, texts: &Texts<'_>) -> Result<String, FetchError> {
    let text = texts.get(&reference.secret).cloned().unwrap_or(Err(FetchError::TooLate))?;
    match &reference.json_key {
        Some(key) => answer::pick(&text, key),
        None => Ok(text),
    }
}

/// What each secret holds, as it stands in the service.
type Texts<'s> = BTreeMap<&'s Secret, Result<String, FetchError>>;

async fn fetch_all<'s>(secrets: &[&'s Secret], config: &SecretsConfig) -> Texts<'s> {
    let until = Instant::now() + config.within;
    let client = Client::new(config);
    let credentials = timeout_at(until, config.credentials.get(&client)).await;
    let credentials = credentials.unwrap_or(Err(FetchError::TooLate));
    let calls = secrets.iter().map(async |secret| {
        let call = async { Call::new(secret, config)?.make(&client, credentials.as_ref()).await };
        (*secret, timeout_at(until, call).await.unwrap_or(Err(FetchError::TooLate)))
    });
    join_all(calls).await.into_iter().collect()
}
