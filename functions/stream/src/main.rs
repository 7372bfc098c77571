//! The Lambda function that serves streams: one at a time, or many where the platform hands it many.

mod config;
mod routes;

use anyhow::Context;
use hookwire_boot::{shutdown, telemetry};
use hookwire_lambda::{BeforeFreeze, Counting};
use tracing::warn;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, warnings) = config::load().await?;
    telemetry::start(config.log_format, None);
    let counting = Counting::start(config.metrics.clone(), "stream")?;
    for warning in &warnings {
        warn!("{warning}");
    }
    for doubt in &config.access.doubts {
        warn!("{doubt}");
    }
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let router = routes::router(config, stop.clone())?;
    counting.while_open();
    let before = counting.before_freeze(BeforeFreeze::default());
    let served = hookwire_lambda::serve_streaming(router, before, stop).await;
    counting.end();
    served.map_err(anyhow::Error::from_boxed)
}
