use std::sync::{Arc, Weak};
use std::time::Duration;

use hookwire_log::{Lateness, Log, Quarantine};
use hookwire_queue::{Backlog, Drain, DrainConfig, Durability, Intake, Pump, Queue};
use hookwire_queue_sqs::{SqsConfig, SqsQueue};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::gauges;

/// The queue beside the log, and what goes there.
#[derive(Debug)]
pub(crate) struct QueueSettings {
    pub(crate) sqs: SqsConfig,
    pub(crate) durability: Durability,
}

/// What takes events in, and what a queue beside the log needs to be emptied.
#[derive(Debug)]
pub(crate) struct Queueing {
    pub(crate) intake: Intake,
    pub(crate) lateness: Lateness,
    /// The queue, if there is one.
    pub(crate) sqs: Option<Arc<SqsQueue>>,
    /// End when they are told to stop, with what they were about.
    pub(crate) tasks: JoinSet<()>,
}

impl Queueing {
    /// Without a queue: everything goes to the log.
    pub(crate) fn none(log: Arc<dyn Log>, quarantine: Arc<dyn Quarantine>) -> Self {
        let intake = Intake::new(log, quarantine);
        Self { intake, lateness: Lateness::default(), sqs: None, tasks: JoinSet::new() }
    }

    /// With a queue, from which events are moved into the log until `stop`.
    pub(crate) fn start(
        settings: &QueueSettings,
        drained: DrainConfig,
        log: Arc<dyn Log>,
        quarantine: Arc<dyn Quarantine>,
        stop: &CancellationToken,
    ) -> Self {
        let sqs = Arc::new(SqsQueue::new(settings.sqs.clone()));
        let queue = Arc::clone(&sqs) as Arc<dyn Queue>;
        let lateness = Lateness::tracked();
        let drain =
            Drain::new(Arc::clone(&log), Arc::clone(&quarantine), drained, lateness.clone());
        let pump = Pump::new(Arc::clone(&queue), drain, settings.sqs.visibility);
        let mut tasks = JoinSet::new();
        tasks.spawn(pump.run(stop.clone()));
        tasks.spawn(Backlog::new(Arc::clone(&queue), lateness.clone()).run(stop.clone()));
        tokio::spawn(report(Arc::downgrade(&sqs)));
        gauges::watch(&sqs, settings.sqs.queue_url.name(), &lateness);
        info!(
            mirrors = settings.durability.mirrors(),
            "beside the log is the queue {}", settings.sqs.queue_url
        );
        let intake = Intake::new(log, quarantine);
        let intake = intake.with_queue(queue, settings.durability, lateness.clone());
        Self { intake, lateness, sqs: Some(sqs), tasks }
    }
}

/// Says what the queue is and what is wrong with it, as soon as it answers: a relay starts without it.
async fn report(queue: Weak<SqsQueue>) {
    while let Some(sqs) = queue.upgrade() {
        if let Ok(report) = sqs.report().await {
            info!("{report}");
            for warning in &report.warnings {
                warn!("{warning}");
            }
            return;
        }
        drop(sqs);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}
