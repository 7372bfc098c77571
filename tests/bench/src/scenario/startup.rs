use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::args::Plan;
use crate::disk::{Scratch, copy, size};
use crate::fill::{TOPICS, topic};
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

/// From exec to listening, over a log of a process that was killed while it appended.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let (events, rounds) = if plan.quick { (50_000, 1) } else { (1_000_000, 5) };
    let torn = Scratch::new(&site.folder, "startup-torn")?;
    fill_and_kill(site, torn.path(), events)?;
    let mut memory_ms = Spread::default();
    let mut empty_ms = Spread::default();
    let mut full_ms = Spread::default();
    let ms = |server: &Server| server.started_in.as_secs_f64() * 1e3;
    for _ in 0..rounds {
        memory_ms.push(ms(&site.relay("memory:")?));
        let fresh = Scratch::new(&site.folder, "startup-empty")?;
        empty_ms.push(ms(&site.relay(&format!("fjall:{}", fresh.path().join("log").display()))?));
        let again = Scratch::new(&site.folder, "startup-again")?;
        copy(torn.path(), again.path())?;
        let server = site.relay(&format!("fjall:{}", again.path().display()))?;
        full_ms.push(ms(&server));
        nothing_answered_is_gone(&server, events)?;
    }
    let mut table = Table::new(["log", "ms to listening"]);
    table.row(["in memory".to_owned(), memory_ms.to_string()]);
    table.row(["on disk, new".to_owned(), empty_ms.to_string()]);
    table.row([format!("on disk, {events} events, killed"), full_ms.to_string()]);
    let bytes = size(torn.path())?;
    let title = format!(
        "start-up; the large log has {:.0} MiB in {TOPICS} topics, in the page cache",
        bytes as f64 / (1024.0 * 1024.0)
    );
    let figures = json!({
        "events": events, "bytes": bytes, "memory_ms": memory_ms.json(), "empty_ms": empty_ms.json(),
        "killed_ms": full_ms.json(),
    });
    report.table(&title, "startup", &table, figures)
}

/// A process that is killed when this value goes.
struct Filler(Child);

impl Drop for Filler {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn fill_and_kill(site: &Site, folder: &Path, events: u64) -> anyhow::Result<()> {
    let mut command = site.leashed(&std::env::current_exe()?)?;
    command.arg("fill-log").arg(folder).arg(events.to_string());
    let mut filler = Filler(command.stdout(Stdio::piped()).spawn()?);
    let stdout = filler.0.stdout.take().context("standard output is piped")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(line == "filled\n", "the log could not be filled");
    Ok(())
}

/// Every append that was answered before the kill is in the log.
fn nothing_answered_is_gone(server: &Server, events: u64) -> anyhow::Result<()> {
    let mut load = server.load()?;
    load.open(usize::try_from(TOPICS)?, |number| topic(number as u64))?;
    let kept: u64 = load.positions().sum();
    ensure!(kept >= events, "{events} appends were answered, and only {kept} are in the log");
    Ok(())
}
