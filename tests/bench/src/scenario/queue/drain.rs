use std::time::Instant;

use anyhow::ensure;
use serde_json::{Value, json};

use super::bare::{self, Calls, DELAY_S};
use super::spilled::{MESSAGE_BYTES, Spilled};
use crate::process::{cpu_seconds, memory};
use crate::report::{Report, Table};
use crate::server::Site;
use crate::spread::Spread;
use crate::sqs::Sqs;

/// A relay that drains, and what it asks SQS for to do so.
pub struct Relay {
    pub name: &'static str,
    durability: &'static str,
    pub calls: Calls,
}

pub const RELAYS: [Relay; 2] = [
    Relay { name: "relay, fallback", durability: "fallback", calls: Calls::Delete },
    Relay { name: "relay, mirror", durability: "mirror", calls: Calls::Copy },
];

/// What one round of a relay showed.
#[derive(Debug)]
pub struct Round {
    drained: bare::Round,
    /// Processor time of the relay for one event.
    relay_us: f64,
    redis_us: f64,
    peak_bytes: u64,
}

pub fn round(site: &Site, relay: &Relay, spilled: &Spilled) -> anyhow::Result<Round> {
    let sqs = Sqs::start()?;
    sqs.send(spilled.messages())?;
    let redis = site.redis()?;
    let (queue, delay) = (format!("sqs:{}", sqs.queue_url()), format!("{DELAY_S}s"));
    let variables = [
        ("HOOKWIRE_QUEUE", queue.as_str()),
        ("HOOKWIRE_DURABILITY", relay.durability),
        ("HOOKWIRE_QUEUE_DELAY", &delay),
    ];
    let before = [cpu_seconds(sqs.pid())?, cpu_seconds(redis.pid)?];
    let start = Instant::now();
    let relay_process = site.relay_with(&redis.url, &variables)?;
    sqs.emptied()?;
    let took = start.elapsed();
    let events = spilled.events();
    let us = |cpu: f64| cpu * 1e6 / events as f64;
    let after = [cpu_seconds(sqs.pid())?, cpu_seconds(redis.pid)?];
    let round = Round {
        drained: bare::Round::new(events, took, after[0] - before[0]),
        relay_us: us(cpu_seconds(relay_process.pid())?),
        redis_us: us(after[1] - before[1]),
        peak_bytes: memory(relay_process.pid())?.peak,
    };
    spilled.all_in_order(relay_process.address)?;
    let copies = if relay.calls == Calls::Copy { events } else { 0 };
    let (depth, dead) = (sqs.depth(), sqs.dead_letters());
    ensure!(depth.delayed == copies, "{copies} copies are to wait, and {} do", depth.delayed);
    ensure!(dead == 0, "{dead} messages are among the dead letters");
    Ok(round)
}

pub fn show(
    bare: &[Vec<bare::Round>; RELAYS.len()],
    relays: &[Vec<Round>; RELAYS.len()],
    events: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut table = Table::new([
        "drain",
        "events/s",
        "this/bare",
        "relay µs/event",
        "Redis µs/event",
        "SQS µs/event",
        "SQS busy",
        "peak RSS",
    ]);
    let mut figures = Vec::new();
    for ((relay, bare), rounds) in RELAYS.iter().zip(bare).zip(relays) {
        let calls = match relay.calls {
            Calls::Delete => "bare receive, delete",
            Calls::Copy => "bare receive, send again, delete",
        };
        let alone = bare.iter().map(|round| (round, None));
        figures.push(row(&mut table, calls, bare, alone));
        let drained = rounds.iter().map(|round| (&round.drained, Some(round)));
        figures.push(row(&mut table, relay.name, bare, drained));
    }
    let title = format!(
        "drain of {events} messages of {MESSAGE_BYTES} bytes into an empty log in Redis, each topic in order; `bare` \
         makes the same calls to SQS"
    );
    report.table(&title, "queue_drain", &table, json!(figures))
}

fn row<'a>(
    table: &mut Table,
    name: &str,
    bare: &[bare::Round],
    rounds: impl Iterator<Item = (&'a bare::Round, Option<&'a Round>)>,
) -> Value {
    let (all, relays): (Vec<_>, Vec<_>) = rounds.unzip();
    let spread = |figure: fn(&bare::Round) -> f64| all.iter().map(|round| figure(round)).collect();
    let of_relay = |figure: fn(&Round) -> f64| {
        relays.iter().map(|round| round.map(figure)).collect::<Option<Spread>>()
    };
    let rate: Spread = spread(|round| round.per_second);
    // Of each round, not of the medians: what disturbs a round disturbs both.
    let ratios = all.iter().zip(bare).map(|(this, bare)| this.per_second / bare.per_second);
    let ratio: Spread = ratios.collect();
    let sqs_cpu: Spread = spread(|round| round.sqs_us);
    let sqs_busy: Spread = spread(|round| round.sqs_busy);
    let relay_cpu = of_relay(|round| round.relay_us);
    let redis_cpu = of_relay(|round| round.redis_us);
    let peak_mib = of_relay(|round| round.peak_bytes as f64 / (1024.0 * 1024.0));
    let shown = |figure: &Option<Spread>| figure.as_ref().map_or("–".to_owned(), Spread::to_string);
    table.row([
        name.to_owned(),
        rate.to_string(),
        ratio.to_string(),
        shown(&relay_cpu),
        shown(&redis_cpu),
        sqs_cpu.to_string(),
        format!("{:.0} %", sqs_busy.median() * 100.0),
        peak_mib.as_ref().map_or("–".to_owned(), |peak| format!("{peak} MiB")),
    ]);
    json!({
        "drain": name, "per_second": rate.json(), "this_to_bare": ratio.json(),
        "relay_us_per_event": relay_cpu.map(|cpu| cpu.json()), "redis_us_per_event": redis_cpu.map(|cpu| cpu.json()),
        "sqs_us_per_event": sqs_cpu.json(), "sqs_busy": sqs_busy.json(),
        "peak_rss_mib": peak_mib.map(|peak| peak.json()),
    })
}
