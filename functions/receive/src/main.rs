//! The Lambda function that takes webhooks in and answers the API: publishing, history, cursors, tickets, administration.

mod config;
mod parts;
mod routes;

use hookwire_lambda::BeforeFreeze;
use hookwire_traces_settings::Traces;
use tracing::warn;

use crate::parts::Parts;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, warnings) = config::load().await?;
    let (telemetry, sentry) = config.telemetry.open("receive");
    telemetry.start();
    for warning in &warnings {
        warn!("{warning}");
    }
    for doubt in &config.access.doubts {
        warn!("{doubt}");
    }
    let traces = Traces::new(config.traces.clone());
    let router = routes::router(Parts::open(config, traces.tracer())?);
    let before = BeforeFreeze::default().and_sentry(sentry).and(move || traces.before_freeze());
    hookwire_lambda::serve_buffered(router, before).await.map_err(anyhow::Error::from_boxed)
}
