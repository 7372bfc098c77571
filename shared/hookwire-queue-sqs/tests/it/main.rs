//! The queue keeps its promises over the real wire protocol, with a faulty network and when SQS refuses.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

mod credentials;
mod dead;
mod faults;
mod receive;
mod refusals;
mod report;
mod scripted;
mod send;

use std::error::Error;
use std::time::Duration;

use hookwire_queue::SendError;
use hookwire_queue_sqs::{SqsConfig, SqsQueue};
use hookwire_sqs_server::{Faults, PATIENCE, Queue, Queues, Server};
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// A server, its queue and dead-letter queue, and the queue as it is used.
async fn queue() -> (Server, Queues, SqsQueue) {
    let server = Server::start().await;
    let queues = server.queue("hooks", 1_000, SECOND * 30).await;
    let used = used(&queues.queue);
    (server, queues, used)
}

/// The same with a faulty network in between.
async fn behind() -> (Server, Queues, Faults, SqsConfig) {
    let server = Server::start().await;
    let queues = server.queue("hooks", 1_000, SECOND * 30).await;
    let faults = Faults::before(&server).await;
    let config = config(&queues.queue.through(&faults));
    (server, queues, faults, config)
}

fn used(queue: &Queue) -> SqsQueue {
    SqsQueue::new(config(queue))
}

fn config(queue: &Queue) -> SqsConfig {
    patient(&queue.url())
}

/// As by default, but with more patience than a busy machine needs.
fn patient(url: &str) -> SqsConfig {
    SqsConfig {
        send_within: SECOND * 20,
        attempt_within: SECOND * 10,
        connect_within: SECOND * 10,
        ..SqsConfig::new(url.parse().unwrap())
    }
}

/// Bodies in a queue, in alphabetical order.
async fn bodies(queue: &Queue) -> Vec<String> {
    let mut bodies: Vec<_> = queue.peek().await.into_iter().map(|message| message.body).collect();
    bodies.sort();
    bodies
}

/// What an error says, causes included.
fn told(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| Error::source(*error));
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[track_caller]
fn unavailable(sent: Result<(), SendError>) -> String {
    match sent {
        Err(error @ SendError::Unavailable(_)) => told(&error),
        other => panic!("not unavailable: {other:?}"),
    }
}

/// Looks again and again until something holds.
async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "gave up waiting");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
