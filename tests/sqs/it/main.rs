//! What tests that stand on this SQS rely on, of the server and of the network in front of it.

mod developer;
mod faults;
mod long_poll;
mod redrive;
mod send;
mod server;
mod visibility;

use std::time::Duration;

use hookwire_sqs_server::{CallError, PATIENCE, Queue, Queues, Refusal, Server};
use serde_json::Value;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// The longest that SQS lets anybody wait for a message.
const LONG_POLL: Duration = Duration::from_secs(20);

/// A server with one queue, whose messages nobody takes for hopeless and everybody is given back after a second.
async fn one_queue() -> (Server, Queue) {
    let server = Server::start().await;
    let Queues { queue, .. } = server.queue("events", 1000, SECOND).await;
    (server, queue)
}

#[track_caller]
fn refusal(answer: Result<Value, CallError>) -> Refusal {
    match answer {
        Err(CallError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn is_lost(answer: Result<Value, CallError>) {
    assert!(matches!(answer, Err(CallError::Lost(_))), "{answer:?}");
}

/// Looks again and again until something holds.
async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "gave up waiting");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
