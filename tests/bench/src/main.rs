//! Measures a relay process: idle streams, fan-out, latency, ingest, start-up, the log in Redis and a queue beside it.
//!
//! `scripts/bench` builds and runs it and says how to read what it prints. The load comes from one thread that reads
//! every stream through epoll and checks every position; what the relay is compared with is [`baseline`], a bare
//! `write(2)` loop in a process of its own, measured in the same rounds by the same load.

#![forbid(unsafe_code)]

mod args;
mod backend;
mod baseline;
mod collector;
mod cores;
mod disk;
mod event;
mod fill;
mod leash;
mod load;
mod process;
mod publisher;
mod redis;
mod report;
mod scenario;
mod server;
mod spread;
mod sqs;
mod stream;
mod tally;

use clap::Parser;

use crate::args::{Args, Role};

fn main() -> anyhow::Result<()> {
    match Args::parse().role() {
        Role::Measure(plan) => scenario::run(&plan),
        Role::Baseline(pacing) => baseline::serve(pacing),
        Role::Fill { folder, events } => fill::fill(&folder, events),
        Role::Redis { folder, core } => redis::keep(&folder, core),
        Role::Leash { core, command } => leash::run(core, &command),
    }
}
