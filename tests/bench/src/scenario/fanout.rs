use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::{BODY_BYTES, TOPIC};
use crate::args::Plan;
use crate::contender::Contender;
use crate::process::{cpu_seconds, memory};
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

/// Streams, and bytes of an event's data.
const SHAPES: [(usize, usize); 5] = [
    (100, BODY_BYTES),
    (1_000, BODY_BYTES),
    (5_000, BODY_BYTES),
    (10_000, BODY_BYTES),
    (1_000, LARGE_BYTES),
];
const LARGE_BYTES: usize = 2_048;
/// More streams than this take a slow peer half a minute for what is in flight alone.
const QUICK_PEERS: usize = 1_000;
const CONNECTIONS: usize = 32;
/// Publishes in flight on each connection, and in a quick run.
pub(super) const IN_FLIGHT: [u64; 2] = [4, 1];
/// The first one is what the others are compared with.
const OWN: [Contender; 3] = [Contender::Relay, Contender::WRITE, Contender::BATCH];

/// What one round of one server showed.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) deliveries_per_second: f64,
    events: u64,
    /// Events that an average stream was behind when publishing ended.
    lag: f64,
    worst_lag: u64,
    /// Share of its core that the load generator used: near 1 it is the limit, and not the server.
    load_busy: f64,
    server_busy: f64,
    /// Processor seconds of the server for a million deliveries, publishing included.
    pub(super) cpu_per_million: f64,
    peak_bytes: u64,
    /// What one delivery took on the wire.
    delivery_bytes: f64,
}

/// Deliveries per second on one topic, against a bare write loop in the same rounds.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let time = Duration::from_millis(if plan.quick { 200 } else { 3_000 });
    let in_flight = IN_FLIGHT[usize::from(plan.quick)];
    let mut table = Table::new([
        "streams",
        "bytes",
        "server",
        "thousand/s",
        "relay/this",
        "events/s",
        "lag/worst",
        "CPU s/million",
        "CPU relay/this",
        "server busy",
        "load busy",
        "peak MiB",
        "wire bytes",
    ]);
    let mut figures = Vec::new();
    let all = Contender::with_peers(&OWN, site, report)?;
    for (streams, bytes) in SHAPES {
        let takes_part = |this: &Contender| {
            !(plan.quick && streams > QUICK_PEERS && matches!(this, Contender::Peer(_)))
        };
        let servers: Vec<_> = all.iter().copied().filter(takes_part).collect();
        let mut rounds: Vec<Vec<Round>> = servers.iter().map(|_| Vec::new()).collect();
        for _ in 0..plan.rounds {
            for (server, rounds) in servers.iter().zip(&mut rounds) {
                let round = round(&server.start(site)?, streams, bytes, (time, in_flight));
                let name = server.name();
                rounds.push(round.with_context(|| format!("{name} with {streams} streams"))?);
            }
        }
        for (server, this) in servers.iter().zip(&rounds) {
            figures.push(row(&mut table, server.name(), (streams, bytes), &rounds[0], this));
        }
    }
    let title = format!(
        "fan-out on one topic, {CONNECTIONS} publishing connections, {} in flight; every stream got every event once and \
         in order",
        CONNECTIONS as u64 * in_flight
    );
    report.table(&title, "fanout", &table, json!(figures))
}

pub(super) fn round(
    server: &Server,
    streams: usize,
    bytes: usize,
    (time, in_flight): (Duration, u64),
) -> anyhow::Result<Round> {
    let mut load = server.load()?;
    load.open(streams, |_| TOPIC.to_owned())?;
    load.publishers(server.address, CONNECTIONS, TOPIC, bytes)?;
    let cpu = || anyhow::Ok((cpu_seconds(server.pid())?, cpu_seconds(std::process::id())?));
    let bytes_before = load.stream_bytes();
    let (start, before) = (Instant::now(), cpu()?);
    let published = load.publish_for(time, in_flight)?;
    load.drain(published.events)?;
    let took = start.elapsed().as_secs_f64();
    let after = cpu()?;
    let deliveries = published.events as f64 * streams as f64;
    Ok(Round {
        deliveries_per_second: deliveries / took,
        events: published.events,
        lag: published.lag,
        worst_lag: published.worst_lag,
        load_busy: (after.1 - before.1) / took,
        server_busy: (after.0 - before.0) / took,
        cpu_per_million: (after.0 - before.0) * 1e6 / deliveries,
        peak_bytes: memory(server.pid())?.peak,
        delivery_bytes: (load.stream_bytes() - bytes_before) as f64 / deliveries,
    })
}

fn row(
    table: &mut Table,
    name: &str,
    (streams, bytes): (usize, usize),
    relay: &[Round],
    rounds: &[Round],
) -> Value {
    let spread = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Spread>();
    let rate = spread(|round| round.deliveries_per_second / 1e3);
    // Of each round, not of the medians: what disturbs a round disturbs both.
    let ratio = |figure: fn(&Round) -> f64| -> Spread {
        relay.iter().zip(rounds).map(|(relay, this)| figure(relay) / figure(this)).collect()
    };
    let rate_ratio = ratio(|round| round.deliveries_per_second);
    let cpu_ratio = ratio(|round| round.cpu_per_million);
    let events_per_second = rate.median() * 1e3 / streams as f64;
    let lag = spread(|round| round.lag);
    let worst_lag = spread(|round| round.worst_lag as f64);
    let cpu = spread(|round| round.cpu_per_million);
    let server_busy = spread(|round| round.server_busy);
    let load_busy = spread(|round| round.load_busy);
    let peak_mib = spread(|round| round.peak_bytes as f64 / (1024.0 * 1024.0));
    let wire = spread(|round| round.delivery_bytes);
    table.row([
        streams.to_string(),
        bytes.to_string(),
        name.to_owned(),
        rate.to_string(),
        rate_ratio.to_string(),
        format!("{events_per_second:.0}"),
        format!("{:.0}/{:.0}", lag.median(), worst_lag.median()),
        format!("{:.2}", cpu.median()),
        cpu_ratio.to_string(),
        format!("{:.0} %", server_busy.median() * 100.0),
        format!("{:.0} %", load_busy.median() * 100.0),
        format!("{:.0}", peak_mib.median()),
        format!("{:.0}", wire.median()),
    ]);
    json!({
        "streams": streams, "bytes": bytes, "server": name, "thousand_deliveries_per_second": rate.json(),
        "relay_to_this": rate_ratio.json(), "cpu_relay_to_this": cpu_ratio.json(), "events": rounds.iter().map(|round| round.events).collect::<Vec<_>>(),
        "lag_events": lag.json(), "worst_lag_events": worst_lag.json(), "cpu_seconds_per_million": cpu.json(), "server_busy": server_busy.json(),
        "load_busy": load_busy.json(), "peak_mib": peak_mib.json(), "wire_bytes": wire.json(),
    })
}
