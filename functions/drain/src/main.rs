//! The Lambda function that moves what waits in the queue into the log; SQS calls it with batches of messages.

mod batch;
mod config;

use std::sync::Arc;

use anyhow::Context;
use hookwire_boot::shutdown;
use hookwire_freeze::{BeforeFreeze, Counting, Tracked, until_stopped};
use hookwire_log::{Lateness, Log, Quarantine, TracedLog};
use hookwire_log_redis::RedisLog;
use hookwire_queue::{Burials, Drain};
use hookwire_queue_sqs::SqsQueue;
use hookwire_traces_settings::Traces;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::batch::Batch;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, warnings) = config::load().await?;
    let (telemetry, sentry) = config.telemetry.open("drain");
    telemetry.start();
    let counting = Counting::start(config.metrics, "drain")?;
    for warning in &warnings {
        warn!("{warning}");
    }
    let traces = Traces::new(config.traces);
    let log = Arc::new(RedisLog::new(&config.log)?);
    let (log, quarantine) = (Arc::clone(&log) as Arc<dyn Log>, log as Arc<dyn Quarantine>);
    let log = TracedLog::over(log, &traces.tracer(), "redis");
    let lateness = Lateness::tracked();
    let drain = Drain::new(log, quarantine, config.drain, lateness.clone());
    let batch = Arc::new(Batch {
        drain: drain.with_tracer(traces.tracer()),
        name: config.queue.queue_url.name().to_owned(),
        queue: SqsQueue::new(config.queue),
        lateness,
        burials: Burials::default(),
    });
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let before = BeforeFreeze::default().and_sentry(sentry).and(move || traces.before_freeze());
    let before = counting.before_freeze(before);
    let last = before.clone();
    let handle = move |event: LambdaEvent<_>| {
        let (batch, before) = (Arc::clone(&batch), before.clone());
        async move { before.after(batch.handle(event.payload)).await }
    };
    let open = TaskTracker::new();
    let tracked = open.clone();
    let counted = layer_fn(move |service| Tracked { service, open: tracked.clone() });
    let runtime = Runtime::new(service_fn(handle)).layer(TracingLayer::new()).layer(counted);
    let ended = until_stopped(runtime.run(), last, stop, open).await;
    counting.end();
    ended.map_err(anyhow::Error::from_boxed)
}
