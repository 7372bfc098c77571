//! The Lambda function that takes webhooks in and answers the API: publishing, history, cursors, tickets, administration.

mod config;
mod parts;
mod routes;

use anyhow::Context;
use hookwire_boot::shutdown;
use hookwire_lambda::{BeforeFreeze, Counting};
use tracing::warn;

use crate::parts::Parts;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, warnings) = config::load().await?;
    let (telemetry, sentry) = config.telemetry.open("receive");
    telemetry.start();
    let counting = Counting::start(config.metrics.clone(), "receive")?;
    for warning in &warnings {
        warn!("{warning}");
    }
    for doubt in &config.access.doubts {
        warn!("{doubt}");
    }
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let router = routes::router(Parts::open(config)?);
    let before = counting.before_freeze(BeforeFreeze::default().and_sentry(sentry));
    let served = hookwire_lambda::serve_buffered(router, before, stop).await;
    counting.end();
    served.map_err(anyhow::Error::from_boxed)
}
