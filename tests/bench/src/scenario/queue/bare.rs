use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use hookwire_sqs_server::Queue;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use super::spilled::Spilled;
use crate::cores::pin;
use crate::process::cpu_seconds;
use crate::server::Site;
use crate::sqs::{AT_ONCE, Sqs, ask, send_batch};

/// Receives that are on their way at once, as many as a relay has.
const RECEIVERS: usize = 8;
/// Longer than any round takes.
pub const DELAY_S: u32 = 900;

/// What emptying a queue asks SQS for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Receive and delete.
    Delete,
    /// Receive, send the same again for later, and delete.
    Copy,
}

/// What one round of the bare loop showed.
#[derive(Debug)]
pub struct Round {
    pub per_second: f64,
    /// Processor time of SQS for one event.
    pub sqs_us: f64,
    pub sqs_busy: f64,
}

/// Empties a queue of these messages without a look at them, on the core where a relay would.
pub fn round(site: &Site, calls: Calls, spilled: &Spilled) -> anyhow::Result<Round> {
    let sqs = Sqs::start()?;
    sqs.send(spilled.messages())?;
    let before = cpu_seconds(sqs.pid())?;
    let (emptied, took) = std::thread::scope(|scope| {
        let emptying = scope.spawn(|| {
            if let Some(cores) = site.cores {
                pin(cores.server)?;
            }
            let start = Instant::now();
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let queue = sqs.queue();
            let receivers = (0..RECEIVERS).map(|_| empty(&queue, calls));
            let emptied = runtime.block_on(try_join_all(receivers))?;
            anyhow::Ok((emptied.iter().sum::<u64>(), start.elapsed()))
        });
        emptying.join().expect("it panics with its own words")
    })?;
    let cpu = cpu_seconds(sqs.pid())? - before;
    let (sent, depth) = (spilled.events(), sqs.depth());
    ensure!(emptied == sent, "{sent} messages were sent, and {emptied} received");
    ensure!(depth.visible + depth.in_flight == 0, "{depth:?} is left in the queue");
    Ok(Round::new(emptied, took, cpu))
}

impl Round {
    pub fn new(events: u64, took: Duration, sqs_cpu: f64) -> Self {
        let took = took.as_secs_f64();
        Self {
            per_second: events as f64 / took,
            sqs_us: sqs_cpu * 1e6 / events as f64,
            sqs_busy: sqs_cpu / took,
        }
    }
}

/// Receives until nothing comes any more; answers how much came.
async fn empty(queue: &Queue, calls: Calls) -> anyhow::Result<u64> {
    let mut emptied = 0;
    loop {
        let receive = json!({ "MaxNumberOfMessages": AT_ONCE });
        let mut answer = ask(queue, "ReceiveMessage", receive).await?;
        let Value::Array(messages) = answer["Messages"].take() else { return Ok(emptied) };
        if messages.is_empty() {
            return Ok(emptied);
        }
        if calls == Calls::Copy {
            let bodies: Option<Vec<_>> =
                messages.iter().map(|message| message["Body"].as_str()).collect();
            let bodies = bodies.context("a message has a body")?;
            ask(queue, "SendMessageBatch", send_batch(&bodies, DELAY_S)).await?;
        }
        let entry = |(n, message): (usize, &Value)| json!({ "Id": n.to_string(), "ReceiptHandle": message["ReceiptHandle"] });
        let entries: Vec<_> = messages.iter().enumerate().map(entry).collect();
        ask(queue, "DeleteMessageBatch", json!({ "Entries": entries })).await?;
        emptied += messages.len() as u64;
    }
}
