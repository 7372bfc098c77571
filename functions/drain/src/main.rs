//! The Lambda function that moves what waits in the queue into the log; SQS calls it with batches of messages.

mod batch;
mod config;

use std::sync::Arc;

use hookwire_freeze::BeforeFreeze;
use hookwire_log::{Lateness, Log, Quarantine, TracedLog};
use hookwire_log_redis::RedisLog;
use hookwire_queue::Drain;
use hookwire_queue_sqs::SqsQueue;
use hookwire_traces_settings::Traces;
use lambda_runtime::{LambdaEvent, service_fn};
use tracing::warn;

use crate::batch::Batch;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, warnings) = config::load().await?;
    let (telemetry, sentry) = config.telemetry.open("drain");
    telemetry.start();
    for warning in &warnings {
        warn!("{warning}");
    }
    let traces = Traces::new(config.traces);
    let log = Arc::new(RedisLog::new(&config.log)?);
    let (log, quarantine) = (Arc::clone(&log) as Arc<dyn Log>, log as Arc<dyn Quarantine>);
    let log = TracedLog::over(log, &traces.tracer(), "redis");
    let drain = Drain::new(log, quarantine, config.drain, Lateness::default());
    let drain = drain.with_tracer(traces.tracer());
    let batch = Batch { drain, queue: SqsQueue::new(config.queue) };
    let before = BeforeFreeze::default().and_sentry(sentry).and(move || traces.before_freeze());
    let handle = |event: LambdaEvent<_>| before.after(batch.handle(event.payload));
    lambda_runtime::run(service_fn(handle)).await.map_err(anyhow::Error::from_boxed)
}
