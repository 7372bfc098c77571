use anyhow::Context;
use serde_json::json;

use super::{BODY_BYTES, TOPIC};
use crate::args::Plan;
use crate::backend::Backend;
use crate::contender::Contender;
use crate::load::Arrivals;
use crate::peers::Peer;
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

const STREAMS: usize = 1_000;
const EVENTS_PER_SECOND: u32 = 30;

/// Who takes the publishes and who serves the streams, all on the server's core.
#[derive(Debug)]
struct Servers {
    follow: Server,
    /// Another process than `follow`, if there is one.
    publish: Option<Server>,
    // Dropped last: a relay complains about a log that goes away.
    _log: Option<Backend>,
}

type Start = fn(&Site) -> anyhow::Result<Servers>;
const SERVERS: [(&str, Start); 7] = [
    ("relay, log in memory", |site| Servers::relay(site, Backend::Memory)),
    ("relay, log on disk", |site| Servers::relay(site, Backend::fjall(site)?)),
    ("relay, log in Redis", |site| Servers::relay(site, Backend::redis(site)?)),
    ("two relays, log in Redis", |site| Servers::relays(site, Backend::redis(site)?)),
    ("limit-write", |site| Servers::one(site, Contender::WRITE)),
    ("nchan", |site| Servers::one(site, Contender::Peer(Peer::Nchan))),
    ("durable-streams", |site| Servers::one(site, Contender::Peer(Peer::Durable))),
];

/// From when a publish was due until a stream had it.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let seconds = if plan.quick { 1 } else { 15 };
    let installed = Contender::with_peers(&[], site, report)?;
    let is_here = |name: &str| {
        let missing =
            Peer::ALL.into_iter().filter(|peer| !installed.contains(&Contender::Peer(*peer)));
        missing.map(Peer::name).all(|missing| missing != name)
    };
    let servers: Vec<_> = SERVERS.into_iter().filter(|(name, _)| is_here(name)).collect();
    let mut spreads: Vec<[Spread; 3]> = servers.iter().map(|_| Default::default()).collect();
    for _ in 0..plan.rounds {
        for ((name, start), [p50, p99, max]) in servers.iter().zip(&mut spreads) {
            let arrivals = arrivals(&start(site)?, seconds).with_context(|| (*name).to_owned())?;
            p50.push(arrivals.latency.value_at_quantile(0.5) as f64 / 1e3);
            p99.push(arrivals.latency.value_at_quantile(0.99) as f64 / 1e3);
            max.push(arrivals.latency.max() as f64 / 1e3);
        }
    }
    let mut table = Table::new(["server", "p50 ms", "p99 ms", "max ms"]);
    let mut figures = Vec::new();
    for ((name, _), [p50, p99, max]) in servers.iter().zip(&spreads) {
        table.row([(*name).to_owned(), p50.to_string(), p99.to_string(), max.to_string()]);
        figures.push(json!({
            "server": name, "p50_ms": p50.json(), "p99_ms": p99.json(), "max_ms": max.json(),
        }));
    }
    let title =
        format!("latency, publish to receive, {EVENTS_PER_SECOND} events/s to {STREAMS} streams");
    report.table(&title, "latency", &table, json!(figures))
}

fn arrivals(servers: &Servers, seconds: u32) -> anyhow::Result<Arrivals> {
    let mut load = servers.follow.load()?;
    load.open(STREAMS, |_| TOPIC.to_owned())?;
    let publish_to = servers.publish.as_ref().unwrap_or(&servers.follow).address;
    load.publishers(publish_to, 1, TOPIC, BODY_BYTES)?;
    load.publish_at(EVENTS_PER_SECOND, EVENTS_PER_SECOND * seconds)
}

impl Servers {
    fn one(site: &Site, server: Contender) -> anyhow::Result<Self> {
        Ok(Self { follow: server.start(site)?, publish: None, _log: None })
    }

    fn relay(site: &Site, log: Backend) -> anyhow::Result<Self> {
        let follow = site.relay(&log.address())?;
        Ok(Self { follow, publish: None, _log: Some(log) })
    }

    /// One that takes the publishes and one that serves the streams.
    fn relays(site: &Site, log: Backend) -> anyhow::Result<Self> {
        let publish = Some(site.relay(&log.address())?);
        Ok(Self { publish, ..Self::relay(site, log)? })
    }
}
