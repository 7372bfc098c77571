//! The Lambda function that takes webhooks in and answers the API: publishing, history, cursors, tickets, administration.

mod config;
mod parts;
mod routes;

use hookwire_boot::telemetry;
use hookwire_lambda::BeforeFreeze;
use tracing::warn;

use crate::parts::Parts;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, warnings) = config::load().await?;
    telemetry::start(config.log_format, None);
    for warning in &warnings {
        warn!("{warning}");
    }
    for doubt in &config.access.doubts {
        warn!("{doubt}");
    }
    let router = routes::router(Parts::open(config)?);
    hookwire_lambda::serve_buffered(router, BeforeFreeze::default())
        .await
        .map_err(anyhow::Error::from_boxed)
}
