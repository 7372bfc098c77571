use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use super::{BODY_BYTES, TOPIC};
use crate::args::Plan;
use crate::contender::Contender;
use crate::dialect::Start;
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

mod first;

const MISSED: u64 = 1_000;
/// Clients that come back at once, and how often they do in a round.
const CLIENTS: [(usize, usize); 2] = [(1, 20), (100, 5)];
const CONNECTIONS: usize = 8;
/// The first one is what the others are compared with.
const OWN: [Contender; 2] = [Contender::BATCH, Contender::Relay];

/// From when clients come back until the last one has the last event that it missed, against a bare write of the same
/// bytes from a buffer; and until the first event of a small and a large log.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let servers = Contender::with_peers(&OWN, site, report)?;
    let mut times = vec![[(); CLIENTS.len()].map(|()| Vec::new()); servers.len()];
    for _ in 0..plan.rounds {
        for (server, times) in servers.iter().zip(&mut times) {
            let round = round(&server.start(site)?).with_context(|| server.name())?;
            for (times, took) in times.iter_mut().zip(round) {
                times.push(took);
            }
        }
    }
    let mut table = Table::new(["clients", "server", "ms", "this/limit"]);
    let mut figures = Vec::new();
    for (place, (clients, _)) in CLIENTS.iter().enumerate() {
        for (server, this) in servers.iter().zip(&times) {
            let of_limit =
                this[place].iter().zip(&times[0][place]).map(|(this, limit)| this / limit);
            let (ms, ratio) =
                (this[place].iter().copied().collect::<Spread>(), of_limit.collect::<Spread>());
            table.row([
                clients.to_string(),
                server.name().to_owned(),
                ms.to_string(),
                ratio.to_string(),
            ]);
            figures.push(json!({
                "clients": clients, "server": server.name(), "ms": ms.json(), "this_to_limit": ratio.json(),
            }));
        }
    }
    let title = format!(
        "resume of {MISSED} missed {BODY_BYTES}-byte events, until the last client has the last one; each got every event \
         once and in order"
    );
    report.table(&title, "resume", &table, json!(figures))?;
    first::measure(site, plan, report)
}

/// Median time in milliseconds, for each number of clients.
fn round(server: &Server) -> anyhow::Result<[f64; CLIENTS.len()]> {
    let mut load = server.load()?;
    load.open(1, |_| TOPIC.to_owned())?;
    let cursor = load.cursors().next().context("one stream is open")?;
    load.publishers(server.address, CONNECTIONS, TOPIC, BODY_BYTES)?;
    load.publish_events(MISSED, 1)?;
    load.drain(MISSED)?;
    let mut medians = [0.0; CLIENTS.len()];
    for ((clients, times), median) in CLIENTS.iter().zip(&mut medians) {
        let mut ms = Spread::default();
        for _ in 0..*times {
            let (address, dialect) = (server.address, server.dialect);
            let request = dialect.follow(address, TOPIC, Start::After(&cursor), &[]);
            let mut back = server.load()?;
            let start = Instant::now();
            back.open_with(*clients, |_| request.clone())?;
            back.drain(MISSED)?;
            ms.push(millis(start.elapsed()));
        }
        ensure!(load.positions().all(|at| at >= MISSED), "the first stream fell back");
        *median = ms.median();
    }
    Ok(medians)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
