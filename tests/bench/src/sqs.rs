use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use hookwire_sqs_server::{Depth, Queue, Queues, Server};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// An SQS with an empty queue in it, on the load's core; it ends with this value, and with this process.
#[derive(Debug)]
pub struct Sqs {
    server: Server,
    queues: Queues,
    // Dropped last: the server's process is one of its.
    runtime: Runtime,
}

const NAME: &str = "hookwire";
/// As the relay wants it.
const MAX_RECEIVE_COUNT: u32 = 1_000;
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages of one call, at most.
pub const AT_ONCE: usize = 10;
/// How often it is asked for what is left, which it spends time on.
const LOOK: Duration = Duration::from_millis(200);
/// How long nothing may leave the queue: longer than what was received and dropped stays in it.
const PATIENCE: Duration = Duration::from_secs(90);

impl Sqs {
    pub fn start() -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (server, queues) = runtime.block_on(async {
            let server = Server::start().await;
            let queues = server.queue(NAME, MAX_RECEIVE_COUNT, VISIBILITY_TIMEOUT).await;
            (server, queues)
        });
        Ok(Self { server, queues, runtime })
    }

    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        let url = self.server.url();
        Ok(url.strip_prefix("http://").context("it is spoken to in the clear")?.parse()?)
    }

    /// What it calls the queue.
    pub fn queue_url(&self) -> String {
        self.queues.queue.url()
    }

    /// The queue for another thread, with connections of its own.
    pub fn queue(&self) -> Queue {
        self.server.existing_queue(NAME)
    }

    pub fn pid(&self) -> u32 {
        self.server.pid().as_raw_nonzero().get().cast_unsigned()
    }

    pub fn depth(&self) -> Depth {
        self.runtime.block_on(self.queues.queue.depth())
    }

    /// Waits until nothing in the queue can be received, and nothing was and is not deleted.
    pub fn emptied(&self) -> anyhow::Result<()> {
        let (mut left, mut moved_at) = (u64::MAX, Instant::now());
        self.runtime.block_on(async {
            while left > 0 {
                tokio::time::sleep(LOOK).await;
                let depth = self.queues.queue.depth().await;
                let now = depth.visible + depth.in_flight;
                if now != left {
                    (left, moved_at) = (now, Instant::now());
                }
                ensure!(moved_at.elapsed() < PATIENCE, "{left} messages stay in the queue");
            }
            Ok(())
        })
    }

    /// Messages that a human must look at.
    pub fn dead_letters(&self) -> u64 {
        let Depth { visible, in_flight, delayed } =
            self.runtime.block_on(self.queues.dead_letters.depth());
        visible + in_flight + delayed
    }

    /// Sends these, each call after the other, so that they are received in their order.
    pub fn send(&self, bodies: &[String]) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            for batch in bodies.chunks(AT_ONCE) {
                ask(&self.queues.queue, "SendMessageBatch", send_batch(batch, 0)).await?;
            }
            Ok(())
        })
    }
}

/// What `SendMessageBatch` is told.
pub fn send_batch<T: AsRef<str>>(bodies: &[T], delay_s: u32) -> Value {
    let entry = |(n, body): (usize, &T)| json!({ "Id": n.to_string(), "MessageBody": body.as_ref(), "DelaySeconds": delay_s });
    json!({ "Entries": bodies.iter().enumerate().map(entry).collect::<Vec<_>>() })
}

/// Asks for an action on a queue; a batch of which one failed fails.
pub async fn ask(queue: &Queue, action: &str, arguments: Value) -> anyhow::Result<Value> {
    let answer = queue.call(action, arguments).await;
    let answer = answer.map_err(|error| anyhow!("{action}: {error:?}"))?;
    let failed = answer["Failed"].as_array().is_some_and(|failed| !failed.is_empty());
    ensure!(!failed, "{action}: {answer}");
    Ok(answer)
}
