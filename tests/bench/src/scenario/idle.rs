use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;

use super::TOPIC;
use crate::args::Plan;
use crate::load::Load;
use crate::process::{memory, open_sockets};
use crate::report::{Report, Table};
use crate::server::{Server, Site};

const STREAMS: [usize; 2] = [1_000, 5_000];

/// Memory of a process for each stream that is open in it and does nothing.
pub fn measure(site: &Site, _plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let mut table =
        Table::new(["streams", "topics", "RSS before", "RSS", "bytes/stream", "opened/s"]);
    let mut figures = Vec::new();
    for own_topics in [false, true] {
        let server = site.relay("memory:")?;
        let topic =
            |number| if own_topics { format!("{TOPIC}/{number}") } else { TOPIC.to_owned() };
        let mut load = server.load()?;
        let before = settled(&server, &mut load)?;
        let mut open = 0;
        for streams in STREAMS {
            let start = Instant::now();
            load.open(streams, topic)?;
            let opened_per_second = (streams - open) as f64 / start.elapsed().as_secs_f64();
            open = streams;
            let after = settled(&server, &mut load)?;
            let sockets = open_sockets(server.pid())?;
            ensure!(sockets >= streams, "only {sockets} sockets are open for {streams} streams");
            let stream_bytes = after.saturating_sub(before) / streams as u64;
            let topics = if own_topics { streams } else { 1 };
            table.row([
                streams.to_string(),
                topics.to_string(),
                format!("{:.1} MiB", mib(before)),
                format!("{:.1} MiB", mib(after)),
                stream_bytes.to_string(),
                format!("{opened_per_second:.0}"),
            ]);
            figures.push(json!({
                "streams": streams, "topics": topics, "rss_before_bytes": before, "rss_bytes": after,
                "stream_bytes": stream_bytes, "opened_per_second": opened_per_second,
            }));
        }
    }
    report.table("idle streams in one process", "idle", &table, json!(figures))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Resident memory once it has stood still for a second.
fn settled(server: &Server, load: &mut Load) -> anyhow::Result<u64> {
    let (mut bytes, mut still) = (memory(server.pid())?.now, 0);
    // A heartbeat or a sweep may move it for ever, but not by much.
    for _ in 0..40 {
        load.idle(Duration::from_millis(250))?;
        let now = memory(server.pid())?.now;
        still = if now == bytes { still + 1 } else { 0 };
        bytes = now;
        if still == 4 {
            break;
        }
    }
    Ok(bytes)
}
