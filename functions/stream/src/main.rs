//! The Lambda function that serves streams: one at a time, or many where the platform hands it many.

mod config;
mod routes;

use anyhow::Context;
use hookwire_boot::shutdown;
use hookwire_lambda::{BeforeFreeze, Counting};
use hookwire_traces_settings::Traces;
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
    let traces = Traces::new(config.traces.clone());
    // A stream lasts for minutes, in which many events may come.
    traces.send_in_background();
    let (tracer, before) = (traces.tracer(), BeforeFreeze::default().and_sentry(sentry));
    let before = before.and(move || traces.before_freeze());
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let router = routes::router(config, tracer, stop.clone())?;
    counting.while_open();
    let before = counting.before_freeze(before);
    let served = hookwire_lambda::serve_streaming(router, before, stop).await;
    counting.end();
    served.map_err(anyhow::Error::from_boxed)
}
