use serde_json::json;

use super::{BODY_BYTES, TOPIC, body};
use crate::args::Plan;
use crate::baseline::Pacing;
use crate::load::Load;
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

const STREAMS: usize = 1_000;
const EVENTS_PER_SECOND: u32 = 30;

type Start = fn(&Site) -> anyhow::Result<Server>;
const SERVERS: [(&str, Start); 2] =
    [("relay", |site| site.relay("memory:")), ("limit-write", |site| site.baseline(Pacing::Write))];

/// From when a publish was due until a stream had it.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let seconds = if plan.quick { 3 } else { 15 };
    let mut spreads = [(); 2].map(|()| [Spread::default(), Spread::default(), Spread::default()]);
    for _ in 0..plan.rounds {
        for ((_, start), [p50, p99, max]) in SERVERS.iter().zip(&mut spreads) {
            let server = start(site)?;
            let mut load = Load::new(server.address)?;
            load.open(STREAMS, |_| TOPIC.to_owned())?;
            load.publishers(1, TOPIC, &body(BODY_BYTES))?;
            let arrivals = load.publish_at(EVENTS_PER_SECOND, EVENTS_PER_SECOND * seconds)?;
            p50.push(arrivals.latency.value_at_quantile(0.5) as f64 / 1e3);
            p99.push(arrivals.latency.value_at_quantile(0.99) as f64 / 1e3);
            max.push(arrivals.latency.max() as f64 / 1e3);
        }
    }
    let mut table = Table::new(["server", "p50 ms", "p99 ms", "max ms"]);
    let mut figures = Vec::new();
    for ((name, _), [p50, p99, max]) in SERVERS.iter().zip(&spreads) {
        table.row([(*name).to_owned(), p50.to_string(), p99.to_string(), max.to_string()]);
        figures.push(json!({
            "server": name, "p50_ms": p50.json(), "p99_ms": p99.json(), "max_ms": max.json(),
        }));
    }
    let title =
        format!("latency, publish to receive, {EVENTS_PER_SECOND} events/s to {STREAMS} streams");
    report.table(&title, "latency", &table, json!(figures))
}
