use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::json;

use super::millis;
use crate::args::Plan;
use crate::backend::Backend;
use crate::dialect::Start;
use crate::report::{Report, Table};
use crate::scenario::{BODY_BYTES, TOPIC};
use crate::server::{Server, Site};
use crate::spread::Spread;

/// As many share a sync of the log on disk.
const CONNECTIONS: usize = 512;
/// Events that a client missed, if not nearly all.
const MISSED: u64 = 500;
/// How often a client comes back.
const TIMES: usize = 30;

type Open = fn(&Site) -> anyhow::Result<Backend>;
const LOGS: [(&str, Open); 2] =
    [("in memory", |_| Ok(Backend::Memory)), ("on disk", Backend::fjall)];

/// From when a client comes back until it has the first event that it missed, in a small and in a large log.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let sizes: [u64; 2] = if plan.quick { [1_000, 20_000] } else { [1_000, 1_000_000] };
    let mut table = Table::new(["log", "events in it", "missed", "ms", "this/small log"]);
    let mut figures = Vec::new();
    for (name, open) in LOGS {
        let mut small = [f64::NAN; 2];
        for events in sizes {
            // One log for all rounds: it takes longer to fill than to ask.
            let log = open(site)?;
            let server = site.relay(&log.address())?;
            let first = First::fill(&server, events).with_context(|| format!("log {name}"))?;
            for (missed, small) in [MISSED, events - 1].into_iter().zip(&mut small) {
                let mut ms = Spread::default();
                for _ in 0..TIMES {
                    ms.push(first.time(missed)?);
                }
                let is_small = events == sizes[0];
                if is_small {
                    *small = ms.median();
                }
                let ratio = ms.median() / *small;
                table.row([
                    name.to_owned(),
                    events.to_string(),
                    missed.to_string(),
                    ms.to_string(),
                    if is_small { "–".to_owned() } else { format!("{ratio:.2}") },
                ]);
                figures.push(json!({
                    "log": name, "events": events, "missed": missed, "ms": ms.json(), "this_to_small": ratio,
                }));
            }
        }
    }
    let title = format!("resume, until the first missed event has come; {TIMES} times each");
    report.table(&title, "resume_first", &table, json!(figures))
}

/// A relay with so many events on one topic.
struct First<'a> {
    server: &'a Server,
    generation: String,
    events: u64,
}

impl<'a> First<'a> {
    fn fill(server: &'a Server, events: u64) -> anyhow::Result<Self> {
        let mut load = server.load()?;
        load.publishers(server.address, CONNECTIONS, TOPIC, BODY_BYTES)?;
        load.publish_events(events, 1)?;
        load.open(1, |_| TOPIC.to_owned())?;
        let cursor = load.cursors().next().context("one stream is open")?;
        let (generation, k) = cursor.split_once('-').context("a position has two parts")?;
        ensure!(k.parse() == Ok(events), "{events} events were answered, and the log ends at {k}");
        Ok(Self { server, generation: generation.to_owned(), events })
    }

    /// Milliseconds until the first event of those missed has come.
    fn time(&self, missed: u64) -> anyhow::Result<f64> {
        let cursor = format!("{}-{}", self.generation, self.events - missed);
        let Server { address, dialect, .. } = self.server;
        let request = dialect.follow(*address, TOPIC, Start::After(&cursor), &[]);
        let mut load = self.server.load()?;
        let start = Instant::now();
        load.open_with(1, |_| request.clone())?;
        load.await_first()?;
        let took = millis(start.elapsed());
        if missed == MISSED {
            load.drain(MISSED)?;
        }
        Ok(took)
    }
}
