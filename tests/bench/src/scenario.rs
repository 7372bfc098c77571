use std::fs;

use anyhow::Context;
use serde_json::json;

use crate::args::{Plan, Scenario};
use crate::cores::{Cores, pin};
use crate::report::Report;
use crate::server::Site;

mod fanout;
mod idle;
mod ingest;
mod latency;
mod open;
mod overhead;
mod queue;
mod redis;
mod resume;
mod slow;
mod startup;
mod topics;
mod webhook;

/// Topic of everything that is published over HTTP.
pub const TOPIC: &str = "bench";

/// Size of an event's data.
pub const BODY_BYTES: usize = 200;

/// What an event takes in the log: its data, its id, and what the relay knows of it.
pub const RECORD_BYTES: usize = 512;

/// Measures what the plan names, prints it, and writes it to `target/bench/report.json`.
pub fn run(plan: &Plan) -> anyhow::Result<()> {
    let site = site()?;
    let mut report = Report::default();
    report.note("rounds", json!(plan.rounds));
    report.note("quick", json!(plan.quick));
    report.note("pinned", json!(site.cores.is_some()));
    report.say(&match site.cores {
        Some(Cores { server, load }) => format!("server on core {server}, load on core {load}"),
        None => "NOT pinned: one core only, so server and load slow each other down".to_owned(),
    })?;
    for scenario in &plan.scenarios {
        let measured = match scenario {
            Scenario::Idle => idle::measure(&site, plan, &mut report),
            Scenario::Open => open::measure(&site, plan, &mut report),
            Scenario::Slow => slow::measure(&site, plan, &mut report),
            Scenario::Fanout => fanout::measure(&site, plan, &mut report),
            Scenario::Topics => topics::measure(&site, plan, &mut report),
            Scenario::Latency => latency::measure(&site, plan, &mut report),
            Scenario::Ingest => ingest::measure(&site, plan, &mut report),
            Scenario::Webhook => webhook::measure(&site, plan, &mut report),
            Scenario::Resume => resume::measure(&site, plan, &mut report),
            Scenario::Startup => startup::measure(&site, plan, &mut report),
            Scenario::Redis => redis::measure(&site, plan, &mut report),
            Scenario::Queue => queue::measure(&site, plan, &mut report),
            Scenario::Overhead => overhead::measure(&site, plan, &mut report),
        };
        measured.with_context(|| format!("{scenario:?}"))?;
    }
    report.write(&site.folder.join("report.json"))
}

fn site() -> anyhow::Result<Site> {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX)?;
    anyhow::ensure!(
        descriptors > 11_000,
        "10,000 streams need more than {descriptors} descriptors"
    );
    let programs = std::env::current_exe()?;
    let programs = programs.parent().context("the program is in a folder")?;
    let folder = programs.parent().unwrap_or(programs).join("bench");
    fs::create_dir_all(&folder)?;
    let relay = folder.join("hookwire");
    fs::copy(programs.join("hookwire"), &relay).context("no relay beside this program")?;
    let cores = Cores::choose()?;
    if let Some(cores) = cores {
        pin(cores.load)?;
    }
    Ok(Site { cores, relay, folder })
}
