use anyhow::Context;
use serde_json::json;

use super::{TOPIC, idle::settled};
use crate::args::Plan;
use crate::process::memory;
use crate::report::{Report, Table};
use crate::server::Site;
use crate::spread::Spread;

const BODY_BYTES: usize = 2_048;
/// About twice what a topic keeps encoded.
const EVENTS: u64 = 4_096;
const CONNECTIONS: usize = 8;
/// The least that the kernel gives, so that what is not read stays in the relay if anywhere.
const RECEIVE_BUFFER_BYTES: usize = 4_096;

/// What clients that do not read add to the memory of a relay while events come, and whether they get everything when
/// they read again.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let clients = if plan.quick { 100 } else { 1_000 };
    let mut before = Spread::default();
    let mut growth = [0, clients].map(|clients| (clients, Spread::default(), Spread::default()));
    let mut added = Spread::default();
    for _ in 0..plan.rounds {
        let mut grown_by = Vec::new();
        for (clients, now, peak) in &mut growth {
            let round = round(site, *clients).with_context(|| format!("{clients} clients"))?;
            if *clients > 0 {
                before.push(round.idle_stream_bytes);
            }
            grown_by.push(round.grown);
            now.push(round.grown / (1024.0 * 1024.0));
            peak.push(round.peak / (1024.0 * 1024.0));
        }
        added.push((grown_by[1] - grown_by[0]) / clients as f64);
    }
    let mut table =
        Table::new(["clients that do not read", "RSS grew by, MiB", "at its peak, MiB"]);
    let mut figures = Vec::new();
    for (clients, now, peak) in &growth {
        table.row([clients.to_string(), now.to_string(), peak.to_string()]);
        figures
            .push(json!({ "clients": clients, "grown_mib": now.json(), "peak_mib": peak.json() }));
    }
    table.row(["each, bytes".to_owned(), added.to_string(), String::new()]);
    table.row(["each before, idle".to_owned(), before.to_string(), String::new()]);
    let title = format!(
        "slow clients while {:.0} MiB are published; all got every event once and in order when they read again",
        EVENTS as f64 * BODY_BYTES as f64 / (1024.0 * 1024.0)
    );
    let figures = json!({
        "rows": figures, "bytes_added_by_each": added.json(), "idle_bytes_of_each": before.json(),
    });
    report.table(&title, "slow", &table, figures)
}

/// What one round showed, in bytes.
struct Round {
    idle_stream_bytes: f64,
    /// By how much it grew while events were published, once it stood still, and at its peak.
    grown: f64,
    peak: f64,
}

fn round(site: &Site, clients: usize) -> anyhow::Result<Round> {
    // They are to be measured, not cut.
    let server = site.relay_with("memory:", &[("HOOKWIRE_SLOW_AFTER", "10m")])?;
    let mut load = server.load()?;
    let empty = settled(&server, |pause| load.idle(pause))?;
    load.receive_buffer(RECEIVE_BUFFER_BYTES);
    load.open(clients, |_| TOPIC.to_owned())?;
    load.publishers(server.address, CONNECTIONS, TOPIC, BODY_BYTES)?;
    let before = settled(&server, |pause| load.idle(pause))?;
    load.mute()?;
    load.publish_events(EVENTS, 4)?;
    let after = settled(&server, |pause| load.idle(pause))?;
    let peak = memory(server.pid())?.peak;
    load.unmute()?;
    load.drain(EVENTS)?;
    Ok(Round {
        idle_stream_bytes: (before as f64 - empty as f64) / clients as f64,
        grown: after as f64 - before as f64,
        peak: peak as f64 - before as f64,
    })
}
