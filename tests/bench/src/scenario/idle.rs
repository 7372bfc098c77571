use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;

use super::TOPIC;
use crate::args::Plan;
use crate::contender::Contender;
use crate::h2_streams::H2Streams;
use crate::peers::Peer;
use crate::process::{memory, open_sockets};
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

/// How streams are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// A connection each, all on one topic.
    OneTopic,
    /// A connection each, each on a topic of its own.
    OwnTopics,
    /// Over HTTP/2, a hundred on a connection.
    Http2,
}

const WAYS: [(Contender, How, &str); 6] = [
    (Contender::Relay, How::OneTopic, "HTTP/1.1"),
    (Contender::Relay, How::OwnTopics, "HTTP/1.1, a topic each"),
    (Contender::Relay, How::Http2, "HTTP/2"),
    (Contender::BATCH, How::OneTopic, "HTTP/1.1"),
    (Contender::Peer(Peer::Nchan), How::OneTopic, "HTTP/1.1"),
    (Contender::Peer(Peer::Durable), How::OneTopic, "HTTP/1.1"),
];

/// Memory of a process for each stream that is open in it and does nothing.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let sizes: &[usize] = if plan.quick { &[1_000] } else { &[1_000, 5_000, 10_000] };
    let servers = Contender::with_peers(&[Contender::Relay, Contender::BATCH], site, report)?;
    let ways: Vec<_> = WAYS.iter().filter(|(server, ..)| servers.contains(server)).collect();
    let mut bytes = vec![vec![Spread::default(); sizes.len()]; ways.len()];
    let mut before = vec![Spread::default(); ways.len()];
    for _ in 0..plan.rounds {
        for (place, (server, how, _)) in ways.iter().enumerate() {
            let name = server.name();
            let round = round(&server.start(site)?, *how, sizes);
            let (empty, rss) = round.with_context(|| format!("{name}, {how:?}"))?;
            before[place].push(mib(empty));
            for ((size, rss), bytes) in sizes.iter().zip(rss).zip(&mut bytes[place]) {
                bytes.push((rss as f64 - empty as f64) / *size as f64);
            }
        }
    }
    let mut table = Table::new(["server", "over", "streams", "RSS before, MiB", "bytes/stream"]);
    let mut figures = Vec::new();
    for (place, (server, _, over)) in ways.iter().enumerate() {
        for (streams, bytes) in sizes.iter().zip(&bytes[place]) {
            table.row([
                server.name().to_owned(),
                (*over).to_owned(),
                streams.to_string(),
                before[place].to_string(),
                bytes.to_string(),
            ]);
            figures.push(json!({
                "server": server.name(), "over": over, "streams": streams, "rss_before_mib": before[place].json(),
                "stream_bytes": bytes.json(),
            }));
        }
    }
    report.table("resident memory of idle streams in one process", "idle", &table, json!(figures))
}

/// Resident memory without streams, and with each of these numbers of them.
fn round(server: &Server, how: How, sizes: &[usize]) -> anyhow::Result<(u64, Vec<u64>)> {
    let mut with_each = Vec::new();
    if how == How::Http2 {
        let mut streams = H2Streams::new(server.address)?;
        let idle = |streams: &mut H2Streams| {
            settled(server, |pause| {
                streams.idle(pause);
                Ok(())
            })
        };
        let before = idle(&mut streams)?;
        for size in sizes {
            streams.open(*size, TOPIC)?;
            with_each.push(idle(&mut streams)?);
        }
        return Ok((before, with_each));
    }
    let topic = |number| match how {
        How::OwnTopics => format!("{TOPIC}/{number}"),
        How::OneTopic | How::Http2 => TOPIC.to_owned(),
    };
    let mut load = server.load()?;
    let before = settled(server, |pause| load.idle(pause))?;
    for size in sizes {
        load.open(*size, topic)?;
        with_each.push(settled(server, |pause| load.idle(pause))?);
        let sockets = open_sockets(server.pid())?;
        ensure!(sockets >= *size, "only {sockets} sockets are open for {size} streams");
    }
    Ok((before, with_each))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

/// Resident memory once it has stood still for a second.
pub(super) fn settled(
    server: &Server,
    mut idle: impl FnMut(Duration) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let (mut bytes, mut still) = (memory(server.pid())?.now, 0);
    // A heartbeat or a sweep may move it for ever, but not by much.
    for _ in 0..40 {
        idle(Duration::from_millis(250))?;
        let now = memory(server.pid())?.now;
        still = if now == bytes { still + 1 } else { 0 };
        bytes = now;
        if still == 4 {
            break;
        }
    }
    Ok(bytes)
}
