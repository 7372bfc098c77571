//! Counts the instructions that each hot path of the relay takes.
//!
//! A path runs without sockets in one thread, under callgrind, once for few and once for many iterations: what the
//! difference took, divided by the iterations between them, is what one takes, without what starts and ends a process.
//! The figures hardly depend on the machine or on what else runs there, unlike those of `hookwire-bench`.
//! `scripts/bench --compare REV` builds this of another revision and shows both.

#![forbid(unsafe_code)]

mod count;
mod path;
mod relay;
mod requests;
mod tokens;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::path::Path;

/// Counts the instructions of the relay's hot paths under callgrind.
#[derive(Debug, Parser)]
struct Args {
    /// The same program of another revision, to compare with.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    #[command(subcommand)]
    inner: Option<Inner>,
}

#[derive(Debug, Subcommand)]
enum Inner {
    /// Run one path so often, with tokens from standard input.
    #[command(hide = true)]
    Run { path: Path, iterations: usize },
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.inner {
        Some(Inner::Run { path, iterations }) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(path.run(iterations))
        }
        None => count::all(args.against.as_deref()),
    }
}
