use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use crate::baseline::Pacing;

/// Measures the relay against a bare write(2) loop.
#[derive(Debug, Parser)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to measure; everything when nothing is named.
    scenarios: Vec<Scenario>,
    /// A smoke test of about a minute: one short round each. Its figures mean little.
    #[arg(long)]
    quick: bool,
    /// Rounds of the interleaved comparisons.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Events that are drained in `queue`; 100,000, or 5,000 with `--quick`.
    #[arg(long, value_name = "N")]
    spilled: Option<u64>,
    #[command(subcommand)]
    inner: Option<Inner>,
}

/// One thing that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Memory of idle streams.
    Idle,
    /// Streams opened per second, with tokens and without.
    Open,
    /// What clients that do not read add to the memory.
    Slow,
    /// Deliveries per second on one topic.
    Fanout,
    /// Deliveries per second on 10,000 topics with a stream each.
    Topics,
    /// Publish to receive at a fixed, low rate.
    Latency,
    /// Publishes and webhooks per second.
    Ingest,
    /// How long webhooks wait for their answers.
    Webhook,
    /// What clients wait that come back after they missed events.
    Resume,
    /// From exec to listening over a large log that was killed.
    Startup,
    /// The log in Redis: its append against a bare XADD, and publishes through it.
    Redis,
    /// A queue beside the log in Redis: what it costs a push, and how fast it is drained.
    Queue,
    /// What metrics, Sentry and traces cost.
    Overhead,
}

/// The processes that a measurement starts, as modes of the same program.
#[derive(Debug, Subcommand)]
enum Inner {
    /// Serve as a bare write loop.
    #[command(hide = true, name = "serve-baseline")]
    Baseline { pacing: Pacing },
    /// Serve as a stock axum that reads bodies, and keeps something in a Redis if there is one.
    #[command(hide = true, name = "serve-axum")]
    Axum { redis: Option<String> },
    /// Fill a log folder through its crate, say so, and go on until killed.
    #[command(hide = true, name = "fill-log")]
    Fill { folder: PathBuf, events: u64 },
    /// Keep a Redis until standard input ends.
    #[command(hide = true, name = "keep-redis")]
    Redis {
        folder: PathBuf,
        #[arg(long)]
        core: Option<usize>,
    },
    /// Run a command that dies with this process, on one core if one is given.
    #[command(hide = true, name = "run-leashed")]
    Leash {
        #[arg(long)]
        core: Option<usize>,
        #[arg(last = true)]
        command: Vec<String>,
    },
}

/// What this process is to be.
#[derive(Debug)]
pub enum Role {
    Measure(Plan),
    Baseline(Pacing),
    Axum { redis: Option<String> },
    Fill { folder: PathBuf, events: u64 },
    Redis { folder: PathBuf, core: Option<usize> },
    Leash { core: Option<usize>, command: Vec<String> },
}

/// What is measured, and how long.
#[derive(Debug)]
pub struct Plan {
    pub scenarios: Vec<Scenario>,
    pub quick: bool,
    pub rounds: usize,
    /// Events that are drained.
    pub spilled: u64,
}

impl Args {
    pub fn role(self) -> Role {
        match self.inner {
            Some(Inner::Baseline { pacing }) => Role::Baseline(pacing),
            Some(Inner::Axum { redis }) => Role::Axum { redis },
            Some(Inner::Fill { folder, events }) => Role::Fill { folder, events },
            Some(Inner::Redis { folder, core }) => Role::Redis { folder, core },
            Some(Inner::Leash { core, command }) => Role::Leash { core, command },
            None => {
                let all = || Scenario::value_variants().to_vec();
                let scenarios = if self.scenarios.is_empty() { all() } else { self.scenarios };
                let rounds = self.rounds.unwrap_or(if self.quick { 1 } else { 3 }).max(1);
                let spilled = self.spilled.unwrap_or(if self.quick { 5_000 } else { 100_000 });
                Role::Measure(Plan { scenarios, quick: self.quick, rounds, spilled })
            }
        }
    }
}
