use std::sync::{Arc, Weak};
use std::time::Duration;

use hookwire_log::Lateness;
use hookwire_queue_sqs::SqsQueue;
use tokio::time::sleep;

/// Pause between two looks at what the process knows itself.
const EVERY: Duration = Duration::from_secs(5);
/// Pause between two questions to the queues, each of which costs a call.
const DEPTH_EVERY: Duration = Duration::from_secs(30);

/// Tells how old the oldest event is that only the queue has.
pub(crate) async fn oldest(queue: String, lateness: Lateness) {
    let oldest = metrics::gauge!("hookwire_queue_oldest_seconds", "queue" => queue);
    loop {
        oldest.set(lateness.oldest());
        sleep(EVERY).await;
    }
}

/// Tells how much the queues hold, for as long as the relay has them.
pub(crate) async fn depth(queue: Weak<SqsQueue>) {
    while let Some(sqs) = queue.upgrade() {
        if let Err(error) = sqs.measure().await {
            // The queue itself tells of its trouble, once and not per call.
            tracing::debug!(error, "could not ask the queues how much they hold");
        }
        drop(sqs);
        sleep(DEPTH_EVERY).await;
    }
}

/// Starts both.
pub(crate) fn watch(queue: &Arc<SqsQueue>, name: &str, lateness: &Lateness) {
    tokio::spawn(oldest(name.to_owned(), lateness.clone()));
    tokio::spawn(depth(Arc::downgrade(queue)));
}
