//! Measures a relay process beside bare servers, and beside other servers where they are installed.
//!
//! `scripts/bench` builds and runs it and says how to read what it prints. The load comes from one thread that reads
//! every stream through epoll and checks every position; what the relay is compared with first is [`baseline`], a
//! bare `write(2)` loop in a process of its own, measured in the same rounds by the same load.

#![forbid(unsafe_code)]

mod args;
mod axum_server;
mod backend;
mod baseline;
mod collector;
mod contender;
mod cores;
mod dialect;
mod disk;
mod event;
mod fill;
mod h2_streams;
mod leash;
mod load;
mod peers;
mod percentiles;
mod process;
mod publisher;
mod push;
mod redis;
mod report;
mod scenario;
mod server;
mod spread;
mod sqs;
mod stream;
mod tally;
mod template;
mod tokens;

use clap::Parser;

use crate::args::{Args, Role};

fn main() -> anyhow::Result<()> {
    match Args::parse().role() {
        Role::Measure(plan) => scenario::run(&plan),
        Role::Baseline(pacing) => baseline::serve(pacing),
        Role::Axum { redis } => axum_server::serve(redis.as_deref()),
        Role::Fill { folder, events } => fill::fill(&folder, events),
        Role::Redis { folder, core } => redis::keep(&folder, core),
        Role::Leash { core, command } => leash::run(core, &command),
    }
}
