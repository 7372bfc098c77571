use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::ingest::CONNECTIONS;
use crate::args::Plan;
use crate::backend::Backend;
use crate::load::Load;
use crate::percentiles::Percentiles;
use crate::push::{Proof, topic};
use crate::report::{Report, Table};
use crate::server::Site;
use crate::spread::Spread;

/// Each follows a topic of its own, as a user follows her mailbox.
const STREAMS: usize = 1_000;
/// None waits behind another one as long as answers come within some milliseconds.
const LATENCY_CONNECTIONS: usize = 256;

type Open = fn(&Site) -> anyhow::Result<Backend>;
const LOGS: [(&str, Open); 3] = [
    ("in memory", |_| Ok(Backend::Memory)),
    ("on disk", Backend::fjall),
    ("in Redis", Backend::redis),
];

/// How long webhooks wait for their answers, at half of what the relay can take.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let (find, seconds) = if plan.quick { (300, 1) } else { (2_000, 10) };
    let mut rates = LOGS.map(|_| Spread::default());
    let mut waits = LOGS.map(|_| Vec::new());
    for _ in 0..plan.rounds {
        for (((name, open), rates), waits) in LOGS.iter().zip(&mut rates).zip(&mut waits) {
            let most = most(site, *open, Duration::from_millis(find));
            let half = most.with_context(|| format!("log {name}"))? / 2.0;
            rates.push(half);
            let round = round(site, *open, half as u32, seconds);
            waits.push(round.with_context(|| format!("log {name}, {half:.0} a second"))?);
        }
    }
    let mut table = Table::new(["log", "pushes/s", "p50 ms", "p95 ms", "p99 ms", "max ms"]);
    let mut figures = Vec::new();
    for (((name, _), rates), waits) in LOGS.iter().zip(&rates).zip(&waits) {
        let [p50, p95, p99, max] = Percentiles::spreads(waits);
        table.row([
            (*name).to_owned(),
            rates.to_string(),
            p50.to_string(),
            p95.to_string(),
            p99.to_string(),
            max.to_string(),
        ]);
        figures.push(json!({
            "log": name, "pushes_per_second": rates.json(), "p50_ms": p50.json(), "p95_ms": p95.json(),
            "p99_ms": p99.json(), "max_ms": max.json(),
        }));
    }
    let title = format!(
        "latency of webhooks with OIDC at half of the highest rate, {STREAMS} streams on a topic each; every push reached \
         its stream once and in order"
    );
    report.table(&title, "webhook", &table, json!(figures))
}

/// Pushes that a relay with these streams takes in a second.
fn most(site: &Site, open: Open, time: Duration) -> anyhow::Result<f64> {
    let log = open(site)?;
    let relay = Proof::Oidc.relay(site, &log.address())?;
    let mut load = relay.load()?;
    load.open(STREAMS, topic)?;
    load.spread_senders(relay.address, CONNECTIONS, STREAMS, |pusher| {
        Proof::Oidc.pushes(relay.address, pusher)
    })?;
    let published = load.publish_for(time, 1)?;
    load.drain_each(&load.due(STREAMS))?;
    Ok(published.per_second())
}

fn round(site: &Site, open: Open, per_second: u32, seconds: u32) -> anyhow::Result<Percentiles> {
    let log = open(site)?;
    let relay = Proof::Oidc.relay(site, &log.address())?;
    let mut load: Load = relay.load()?;
    load.open(STREAMS, topic)?;
    load.pushers(relay.address, LATENCY_CONNECTIONS)?;
    let pushes = (per_second * seconds) as usize;
    let template = Proof::Oidc.pushes(relay.address, 0)?.counting(0, 1, STREAMS as u64);
    let waited = load.push_at(per_second, template.take(pushes))?;
    let due = (0..STREAMS).map(|stream| (pushes + STREAMS - 1 - stream) / STREAMS);
    load.drain_each(&due.map(|due| due as u64).collect::<Vec<_>>())?;
    Ok(Percentiles::new(waited))
}
