//! The Lambda function that serves streams: one at a time, or many where the platform hands it many.

mod config;
mod routes;

use anyhow::Context;
use hookwire_boot::{shutdown, telemetry};
use hookwire_lambda::BeforeFreeze;
use tracing::warn;

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
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let router = routes::router(config, stop.clone())?;
    hookwire_lambda::serve_streaming(router, BeforeFreeze::default(), stop)
        .await
        .map_err(anyhow::Error::from_boxed)
}
