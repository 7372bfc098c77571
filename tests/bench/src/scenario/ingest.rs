use std::time::Duration;

use serde_json::json;

use super::{BODY_BYTES, TOPIC};
use crate::args::Plan;
use crate::baseline::Pacing;
use crate::disk::{Scratch, synced_appends};
use crate::load::Published;
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

pub(super) const CONNECTIONS: usize = 32;
/// What an event takes in the log: its data, its id, and what the relay knows of it.
pub(super) const RECORD_BYTES: usize = 512;

/// Publishes per second while nobody follows.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let time = Duration::from_millis(if plan.quick { 700 } else { 3_000 });
    let mut rates = [(); 4].map(|()| Spread::default());
    for _ in 0..plan.rounds {
        let [bare, memory, disk, synced] = &mut rates;
        bare.push(publish(&site.baseline(Pacing::Batch)?, time)?.per_second());
        memory.push(publish(&site.relay("memory:")?, time)?.per_second());
        let folder = Scratch::new(&site.folder, "ingest")?;
        let log = format!("fjall:{}", folder.path().join("log").display());
        disk.push(publish(&site.relay(&log)?, time)?.per_second());
        synced.push(synced_appends(folder.path(), CONNECTIONS, RECORD_BYTES, time)?);
    }
    let [bare, memory, disk, synced] = &rates;
    let mut table = Table::new(["what", "per second"]);
    table.row(["bare server, kept in a buffer".to_owned(), bare.to_string()]);
    table.row(["relay, log in memory".to_owned(), memory.to_string()]);
    table.row(["relay, log on disk".to_owned(), disk.to_string()]);
    let name = format!("bare append + fsync, {CONNECTIONS} in a group");
    table.row([name, synced.to_string()]);
    let figures = json!({
        "bare_server": bare.json(), "relay_memory": memory.json(), "relay_fjall": disk.json(),
        "bare_group_commit": synced.json(),
    });
    let title =
        format!("ingest, {BODY_BYTES}-byte publishes on {CONNECTIONS} connections, 0 streams");
    report.table(&title, "ingest", &table, figures)
}

/// Publishes for so long, one request in flight on each connection.
pub(super) fn publish(server: &Server, time: Duration) -> anyhow::Result<Published> {
    let mut load = server.load()?;
    load.publishers(server.address, CONNECTIONS, TOPIC, BODY_BYTES)?;
    load.publish_for(time, 1)
}
