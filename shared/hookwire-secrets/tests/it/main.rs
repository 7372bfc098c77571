//! What fetching secrets promises, towards a real protocol and towards what may go wrong on the way.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod aws;
mod container;
mod endpoint;
mod trouble;

use std::collections::BTreeMap;

use hookwire_secrets::{FetchError, SecretsConfig, fetch};

type Outcome = Result<String, FetchError>;

/// How secrets are fetched with these variables.
fn config(variables: &[(&str, String)]) -> SecretsConfig {
    SecretsConfig::from_variables(|name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value.as_str())
    })
}

/// What these references stand for.
async fn fetched(config: &SecretsConfig, references: &[&str]) -> BTreeMap<String, Outcome> {
    fetch(references.iter().map(|&text| text.to_owned()), config).await
}

/// What one reference stands for.
async fn fetched_one(config: &SecretsConfig, reference: &str) -> Outcome {
    fetched(config, &[reference]).await.remove(reference).unwrap()
}

/// Why one reference stands for nothing.
async fn refused(config: &SecretsConfig, reference: &str) -> String {
    fetched_one(config, reference).await.unwrap_err().to_string()
}
