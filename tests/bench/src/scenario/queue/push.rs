use std::net::SocketAddr;

use anyhow::ensure;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::spilled::MESSAGE_BYTES;
use crate::dialect::Dialect;
use crate::load::Load;
use crate::percentiles::Percentiles;
use crate::publisher::post;
use crate::report::{Report, Table};
use crate::server::Site;
use crate::spread::Spread;
use crate::sqs::{Sqs, send_batch};

const PER_SECOND: u32 = 100;
/// As many as are sent in the longest time that an answer may take: none waits behind another one.
const CONNECTIONS: usize = 200;
/// Pushes that come before the measured ones.
const FIRST: u32 = 20;

/// A relay over Redis, and what is beside it.
pub struct Setup {
    pub name: &'static str,
    queue: Option<&'static [(&'static str, &'static str)]>,
    mirrors: bool,
    loss: Option<Loss>,
}

/// What happens to Redis.
struct Loss {
    signal: Signal,
    /// Pushes that come until the relay stops asking Redis, which are not measured.
    pushes: u32,
}

const FALLBACK: &[(&str, &str)] = &[("HOOKWIRE_DURABILITY", "fallback")];
const MIRROR: &[(&str, &str)] = &[("HOOKWIRE_DURABILITY", "mirror")];
const QUEUE: &[(&str, &str)] = &[("HOOKWIRE_DURABILITY", "mirror"), ("HOOKWIRE_ACK", "queue")];

/// The first one is what the others are compared with.
pub const SETUPS: [Setup; 6] = [
    Setup { name: "Redis alone", queue: None, mirrors: false, loss: None },
    Setup { name: "fallback", queue: Some(FALLBACK), mirrors: false, loss: None },
    Setup { name: "mirror", queue: Some(MIRROR), mirrors: true, loss: None },
    Setup { name: "mirror, ack = queue", queue: Some(QUEUE), mirrors: true, loss: None },
    Setup {
        name: "mirror, Redis killed",
        queue: Some(MIRROR),
        mirrors: true,
        loss: Some(Loss { signal: Signal::KILL, pushes: 10 }),
    },
    Setup {
        name: "mirror, Redis hangs",
        queue: Some(MIRROR),
        mirrors: true,
        // Five calls must fail, and each takes its time.
        loss: Some(Loss { signal: Signal::STOP, pushes: 1_000 }),
    },
];

/// Sends messages to SQS itself, one in a call.
pub fn send(seconds: u32) -> anyhow::Result<Percentiles> {
    let sqs = Sqs::start()?;
    let address = sqs.address()?;
    let mut call = send_batch(&["x".repeat(MESSAGE_BYTES)], 0);
    call["QueueUrl"] = sqs.queue_url().into();
    let headers =
        ["x-amz-target: AmazonSQS.SendMessageBatch", "content-type: application/x-amz-json-1.0"];
    let request = post(address, "/", &headers, &call.to_string());
    let mut load = Load::new(address, Dialect::Relay)?;
    load.pushers(address, CONNECTIONS)?;
    let mut send =
        |count: u32| load.push_at(PER_SECOND, std::iter::repeat_n(request.clone(), count as usize));
    send(FIRST)?;
    let waited = send(PER_SECOND * seconds)?;
    let (sent, kept) = (FIRST + PER_SECOND * seconds, sqs.depth().visible);
    ensure!(kept == u64::from(sent), "{sent} messages were taken, and {kept} are in the queue");
    Ok(Percentiles::new(waited))
}

pub fn round(site: &Site, setup: &Setup, seconds: u32) -> anyhow::Result<Percentiles> {
    let redis = site.redis()?;
    let sqs = setup.queue.map(|_| Sqs::start()).transpose()?;
    let queue = sqs.as_ref().map(|sqs| format!("sqs:{}", sqs.queue_url()));
    let mut variables = vec![("HOOKWIRE_CLIENT_LIMIT", "60000000")];
    if let (Some(settings), Some(queue)) = (setup.queue, &queue) {
        // Nothing is looked for again while pushes are measured.
        variables.extend([("HOOKWIRE_QUEUE", queue.as_str()), ("HOOKWIRE_QUEUE_DELAY", "15m")]);
        variables.extend(settings);
    }
    let relay = site.relay_with(&redis.url, &variables)?;
    let mut load = relay.load()?;
    load.pushers(relay.address, CONNECTIONS)?;
    let mut pushed = 0;
    let mut push = |count: u32| {
        let numbers = pushed..pushed + count;
        pushed += count;
        load.push_at(PER_SECOND, numbers.map(|number| request(relay.address, number)))
    };
    push(FIRST)?;
    if let Some(loss) = &setup.loss {
        relay.hush();
        redis.signal(loss.signal)?;
        push(loss.pushes)?;
    }
    let waited = push(PER_SECOND * seconds)?;
    if setup.loss.is_none() {
        let kept = redis.entries()?;
        ensure!(
            kept == u64::from(pushed),
            "{pushed} pushes were answered, and {kept} are in the log"
        );
    }
    if let Some(sqs) = &sqs {
        let depth = sqs.depth();
        let kept = depth.visible + depth.in_flight + depth.delayed;
        let sent = if setup.mirrors { pushed } else { 0 };
        ensure!(
            kept == u64::from(sent),
            "of {pushed} pushes {sent} go to the queue, and {kept} did"
        );
    }
    Ok(Percentiles::new(waited))
}

/// A push of Pub/Sub whose record is about as large as a message of the bare send.
fn request(address: SocketAddr, number: u32) -> Vec<u8> {
    let push = json!({
        "message": {
            // Of "xxx".
            "data": "eHh4".repeat(50),
            "messageId": format!("bench-{number:010}"),
            "publishTime": "2021-02-26T19:13:55.749Z",
        },
        "subscription": "projects/bench/subscriptions/bench",
    });
    post(address, "/webhooks/pubsub", &["content-type: application/json"], &push.to_string())
}

pub fn show(
    sends: &[Percentiles],
    pushes: &[Vec<Percentiles>; SETUPS.len()],
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut table =
        Table::new(["pushes", "p50 ms", "p95 ms", "p99 ms", "max ms", "p95 this/alone"]);
    let [alone, ..] = pushes;
    let mut figures = vec![row(&mut table, "bare send to SQS, no relay", alone, sends)];
    for (setup, this) in SETUPS.iter().zip(pushes) {
        figures.push(row(&mut table, setup.name, alone, this));
    }
    let title = format!(
        "latency of POST /webhooks/pubsub, {PER_SECOND} pushes/s on {CONNECTIONS} connections; log in Redis, queue in an \
         emulator of SQS"
    );
    report.table(&title, "queue_push", &table, json!(figures))
}

fn row(table: &mut Table, name: &str, alone: &[Percentiles], this: &[Percentiles]) -> Value {
    let ratios = this.iter().zip(alone).map(|(this, alone)| this.p95() / alone.p95());
    let ratio: Spread = ratios.collect();
    let [p50, p95, p99, max] = Percentiles::spreads(this);
    table.row([
        name.to_owned(),
        p50.to_string(),
        p95.to_string(),
        p99.to_string(),
        max.to_string(),
        ratio.to_string(),
    ]);
    json!({
        "pushes": name, "p50_ms": p50.json(), "p95_ms": p95.json(), "p99_ms": p99.json(), "max_ms": max.json(),
        "p95_this_to_alone": ratio.json(),
    })
}
