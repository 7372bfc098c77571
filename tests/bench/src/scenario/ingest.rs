use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::{BODY_BYTES, TOPIC};
use crate::args::Plan;
use crate::load::Published;
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

mod bare;
mod relay;

use bare::Bare;
use relay::{Kind, Relayed};

pub(super) const CONNECTIONS: usize = 32;
/// Each follows a topic of its own, and what is sent is spread over these topics.
const STREAMS: usize = 1_000;

/// What takes requests, or does a part of what that is.
#[derive(Debug, Clone, Copy)]
enum Taker {
    Bare(Bare),
    Relay(Relayed),
}

use Kind::{Publish, Push, SignedPush};
use relay::LogKind::{Disk, Memory, Redis};

/// What is measured, and the places in this list of what it is compared with.
const TAKERS: [(&str, Taker, &[usize]); 18] = [
    ("bare epoll server", Taker::Bare(Bare::Epoll), &[]),
    ("axum that reads the body", Taker::Bare(Bare::Axum), &[]),
    ("append + fsync in groups", Taker::Bare(Bare::Synced), &[]),
    ("XADD in pipelines, on Redis' core", Taker::Bare(Bare::Xadd { own_core: false }), &[]),
    ("XADD in pipelines, on another core", Taker::Bare(Bare::Xadd { own_core: true }), &[]),
    ("axum with XADD in pipelines", Taker::Bare(Bare::AxumXadd), &[]),
    ("relay, publish", Taker::Relay(Relayed::new(Memory, Publish, 0)), &[1]),
    ("relay, webhook", Taker::Relay(Relayed::new(Memory, Push, 0)), &[1]),
    ("relay, webhook with OIDC", Taker::Relay(Relayed::new(Memory, SignedPush, 0)), &[1]),
    ("relay, publish", Taker::Relay(Relayed::new(Memory, Publish, STREAMS)), &[1]),
    ("relay, webhook", Taker::Relay(Relayed::new(Memory, Push, STREAMS)), &[1]),
    ("relay, webhook with OIDC", Taker::Relay(Relayed::new(Memory, SignedPush, STREAMS)), &[1]),
    ("relay on disk, publish", Taker::Relay(Relayed::new(Disk, Publish, 0)), &[2]),
    ("relay on disk, webhook with OIDC", Taker::Relay(Relayed::new(Disk, SignedPush, 0)), &[2]),
    (
        "relay on disk, webhook with OIDC",
        Taker::Relay(Relayed::new(Disk, SignedPush, STREAMS)),
        &[2],
    ),
    ("relay on Redis, publish", Taker::Relay(Relayed::new(Redis, Publish, 0)), &[3, 5]),
    (
        "relay on Redis, webhook with OIDC",
        Taker::Relay(Relayed::new(Redis, SignedPush, 0)),
        &[3, 5],
    ),
    (
        "relay on Redis, webhook with OIDC",
        Taker::Relay(Relayed::new(Redis, SignedPush, STREAMS)),
        &[3, 5],
    ),
];

/// What one round of one taker showed.
#[derive(Debug, Clone, Copy)]
struct Round {
    per_second: f64,
    /// Processor time of the server, and of Redis if it has one, for one request.
    us: f64,
    load_busy: f64,
}

/// Requests taken per second, beside what the same machine does with a part of the work.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let time = Duration::from_millis(if plan.quick { 300 } else { 3_000 });
    let mut rounds = TAKERS.map(|_| Vec::new());
    for _ in 0..plan.rounds {
        for ((name, taker, _), rounds) in TAKERS.iter().zip(&mut rounds) {
            let round = match taker {
                Taker::Bare(bare) => bare.round(site, time),
                Taker::Relay(relay) => relay.round(site, time),
            };
            rounds.push(round.with_context(|| (*name).to_owned())?);
        }
    }
    let mut table =
        Table::new(["what", "streams", "per second", "CPU µs each", "load busy", "of the rate of"]);
    let mut figures = Vec::new();
    for ((name, taker, bases), this) in TAKERS.iter().zip(&rounds) {
        let streams = match taker {
            Taker::Bare(_) => 0,
            Taker::Relay(relay) => relay.streams,
        };
        let bases = bases.iter().map(|base| (TAKERS[*base].0, &rounds[*base][..]));
        figures.push(row(&mut table, name, streams, this, &bases.collect::<Vec<_>>()));
    }
    let title = format!(
        "ingest, {BODY_BYTES} bytes of data on {CONNECTIONS} connections, one request in flight on each; everything that \
         was answered is in the log, and was streamed once and in order where there are streams"
    );
    report.table(&title, "ingest", &table, json!(figures))
}

fn row(
    table: &mut Table,
    name: &str,
    streams: usize,
    this: &[Round],
    bases: &[(&str, &[Round])],
) -> Value {
    let spread = |figure: fn(&Round) -> f64| this.iter().map(figure).collect::<Spread>();
    let (rate, cpu) = (spread(|round| round.per_second), spread(|round| round.us));
    let load_busy = spread(|round| round.load_busy);
    // Of each round, not of the medians: what disturbs a round disturbs both.
    let ratios = bases.iter().map(|(name, base)| {
        let rounds = this.iter().zip(*base);
        (*name, rounds.map(|(this, base)| this.per_second / base.per_second).collect::<Spread>())
    });
    let ratios: Vec<_> = ratios.collect();
    let compared = ratios.iter().map(|(name, ratio)| format!("{ratio} {name}"));
    table.row([
        name.to_owned(),
        streams.to_string(),
        rate.to_string(),
        cpu.to_string(),
        format!("{:.0} %", load_busy.median() * 100.0),
        compared.collect::<Vec<_>>().join(", "),
    ]);
    let compared = ratios.iter().map(|(name, ratio)| json!({ "to": name, "ratio": ratio.json() }));
    json!({
        "what": name, "streams": streams, "per_second": rate.json(), "cpu_us": cpu.json(),
        "load_busy": load_busy.json(), "compared": compared.collect::<Vec<_>>(),
    })
}

/// Publishes for so long, one request in flight on each connection.
pub(super) fn publish(server: &Server, time: Duration) -> anyhow::Result<Published> {
    let mut load = server.load()?;
    load.publishers(server.address, CONNECTIONS, TOPIC, BODY_BYTES)?;
    load.publish_for(time, 1)
}
