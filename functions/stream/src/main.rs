//! The Lambda function that serves streams: one at a time, or many where the platform hands it many.

mod config;
mod routes;

use std::time::Duration;

use anyhow::Context;
use hookwire_boot::shutdown;
use hookwire_lambda::{BeforeFreeze, Counting};
use tracing::warn;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, warnings) = config::load().await?;
    let (telemetry, sentry) = config.telemetry.open("stream");
    telemetry.start();
    let counting = Counting::start(config.metrics.clone(), "stream")?;
    for warning in &warnings {
        warn!("{warning}");
    }
    for doubt in &config.access.doubts {
        warn!("{doubt}");
    }
    let before = BeforeFreeze::default().and_sentry(sentry.clone());
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let router = routes::router(config, stop.clone())?;
    counting.while_open();
    let before = counting.before_freeze(before);
    let served = hookwire_lambda::serve_streaming(router, before, stop).await;
    counting.end();
    if let Some(sentry) = sentry {
        // What the last streams left, in the moment before the platform kills.
        sentry.flush(Duration::from_millis(50)).await;
    }
    served.map_err(anyhow::Error::from_boxed)
}
