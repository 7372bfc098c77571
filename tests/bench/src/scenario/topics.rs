use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::BODY_BYTES;
use crate::args::Plan;
use crate::contender::Contender;
use crate::process::{cpu_seconds, memory};
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;
use crate::template::Template;

const TOPICS: usize = 10_000;
const CONNECTIONS: usize = 32;
/// Publishes in flight on each connection.
const IN_FLIGHT: u64 = 4;
/// The first one is what the others are compared with.
const SERVERS: [Contender; 2] = [Contender::Relay, Contender::WRITE];

/// What one round of one server showed.
#[derive(Debug)]
struct Round {
    deliveries_per_second: f64,
    /// Processor time of the server for an event: taken, kept and handed out.
    us: f64,
    server_busy: f64,
    load_busy: f64,
    peak_bytes: u64,
}

/// Deliveries per second where every stream follows a topic of its own, against a bare write for each.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let time = Duration::from_millis(if plan.quick { 300 } else { 3_000 });
    let mut rounds = SERVERS.map(|_| Vec::new());
    for _ in 0..plan.rounds {
        for (server, rounds) in SERVERS.iter().zip(&mut rounds) {
            rounds.push(round(&server.start(site)?, time).with_context(|| server.name())?);
        }
    }
    let mut table = Table::new([
        "server",
        "thousand/s",
        "relay/this",
        "CPU µs/event",
        "CPU relay/this",
        "server busy",
        "load busy",
        "peak MiB",
    ]);
    let [relay, ..] = &rounds;
    let rows = SERVERS.iter().zip(&rounds);
    let figures = rows.map(|(server, this)| row(&mut table, server.name(), relay, this));
    let figures = json!(figures.collect::<Vec<_>>());
    let title = format!(
        "{TOPICS} topics with a stream each, {BODY_BYTES}-byte events spread over them, {} publishes in flight; every \
         stream got every event of its topic once and in order",
        CONNECTIONS as u64 * IN_FLIGHT
    );
    report.table(&title, "topics", &table, figures)
}

fn round(server: &Server, time: Duration) -> anyhow::Result<Round> {
    let mut load = server.load()?;
    load.open(TOPICS, |number| format!("bench-{number:010}"))?;
    let topic = format!("bench-{}", Template::NUMBER);
    load.spread_senders(server.address, CONNECTIONS, TOPICS, |publisher| {
        Ok(server.dialect.publish(server.address, &topic, publisher, BODY_BYTES))
    })?;
    let cpu = || anyhow::Ok((cpu_seconds(server.pid())?, cpu_seconds(std::process::id())?));
    let (start, before) = (Instant::now(), cpu()?);
    let events = load.publish_for(time, IN_FLIGHT)?.events;
    load.drain_each(&load.due(TOPICS))?;
    let took = start.elapsed().as_secs_f64();
    let after = cpu()?;
    Ok(Round {
        deliveries_per_second: events as f64 / took,
        us: (after.0 - before.0) * 1e6 / events as f64,
        server_busy: (after.0 - before.0) / took,
        load_busy: (after.1 - before.1) / took,
        peak_bytes: memory(server.pid())?.peak,
    })
}

fn row(table: &mut Table, name: &str, relay: &[Round], rounds: &[Round]) -> Value {
    let spread = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Spread>();
    let ratio = |figure: fn(&Round) -> f64| -> Spread {
        relay.iter().zip(rounds).map(|(relay, this)| figure(relay) / figure(this)).collect()
    };
    let rate = spread(|round| round.deliveries_per_second / 1e3);
    let rate_ratio = ratio(|round| round.deliveries_per_second);
    let cpu = spread(|round| round.us);
    let cpu_ratio = ratio(|round| round.us);
    let server_busy = spread(|round| round.server_busy);
    let load_busy = spread(|round| round.load_busy);
    let peak_mib = spread(|round| round.peak_bytes as f64 / (1024.0 * 1024.0));
    table.row([
        name.to_owned(),
        rate.to_string(),
        rate_ratio.to_string(),
        cpu.to_string(),
        cpu_ratio.to_string(),
        format!("{:.0} %", server_busy.median() * 100.0),
        format!("{:.0} %", load_busy.median() * 100.0),
        format!("{:.0}", peak_mib.median()),
    ]);
    json!({
        "server": name, "thousand_deliveries_per_second": rate.json(), "relay_to_this": rate_ratio.json(),
        "cpu_us_per_event": cpu.json(), "cpu_relay_to_this": cpu_ratio.json(), "server_busy": server_busy.json(),
        "load_busy": load_busy.json(), "peak_mib": peak_mib.json(),
    })
}
