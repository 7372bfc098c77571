//! A queue beside the log: an acknowledged event survives the loss of Redis. Real servers, a real SQS wire protocol.

mod drain;
mod ledger;
mod over_limit;
mod redrive;
mod spill;

use std::time::Duration;

use hookwire_redis_server::{Server as Redis, ServerOptions};
use hookwire_sqs_server::{Faults, Queues, Server as Sqs};
use hookwire_tests::RelayOptions;

pub use drain::{next_id, spilled, until};

/// A Redis, an SQS behind a network that can be broken, and its queue.
struct Backends {
    redis: Redis,
    _sqs: Sqs,
    faults: Faults,
    queues: Queues,
}

impl Backends {
    async fn start() -> Self {
        let redis = ServerOptions::default().set("appendonly", "yes").start().await;
        let sqs = Sqs::start().await;
        let queues = sqs.queue("hookwire", 1_000, Duration::from_secs(30)).await;
        let faults = Faults::before(&sqs).await;
        Self { redis, _sqs: sqs, faults, queues }
    }

    /// A relay over both.
    fn relay(&self) -> RelayOptions {
        let queue = self.queues.queue.through(&self.faults).url();
        RelayOptions::default().log(self.redis.url()).queue(&queue).set("CLIENT_LIMIT", 60_000_000)
    }
}
