//! The relay as one process, and the tools of a terminal.

mod args;
mod check;
mod config;
mod doctor;
mod floor;
mod gauges;
mod log;
mod log_filter;
mod metrics;
mod probe;
mod publish;
mod quarantine;
mod queue;
mod redrive;
mod relay;
mod revoke;
mod state;
mod tail;
mod token;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command.unwrap_or(Command::Serve) {
            Command::Serve => relay::serve(args.config).await,
            Command::Check => check::check(args.config).await,
            Command::Doctor(doctor) => doctor::doctor(args.config, doctor).await,
            Command::Probe(probe) => probe::probe(args.config, probe).await,
            Command::Tail(tail) => tail::tail(tail).await,
            Command::Publish(publish) => publish::publish(publish).await,
            Command::Quarantine(quarantine) => quarantine::quarantine(quarantine).await,
            Command::Redrive(redrive) => redrive::redrive(args.config, redrive).await,
            Command::Token(token) => token::token(args.config, token).await,
            Command::Revoke(revoke) => revoke::revoke(revoke).await,
            Command::Log(log) => log_filter::log(log).await,
        }
    })
}
