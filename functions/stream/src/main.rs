//! The Lambda function that serves streams: one at a time, or many where the platform hands it many.

mod config;
mod routes;

use anyhow::Context;
use hookwire_boot::{shutdown, telemetry};
use hookwire_lambda::BeforeFreeze;
use hookwire_traces_settings::Traces;
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
    let traces = Traces::new(config.traces.clone());
    // A stream lasts for minutes, in which many events may come.
    traces.send_in_background();
    let router = routes::router(config, traces.tracer(), stop.clone())?;
    let before = BeforeFreeze::default().and(move || traces.before_freeze());
    hookwire_lambda::serve_streaming(router, before, stop).await.map_err(anyhow::Error::from_boxed)
}
