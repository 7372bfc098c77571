use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use reqwest::Url;

/// Relays webhooks to browsers: a push in, a plain `EventSource` out, and nothing missed in between.
#[derive(Debug, Parser)]
#[command(name = "hookwire", version)]
pub(crate) struct Args {
    /// Settings file; without it ./hookwire.toml when there is one. `HOOKWIRE_*` variables win over it.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the relay (the default).
    Serve,
    /// Check the settings and say everything that is wrong with them.
    Check,
    /// Follow topics in the terminal, across cuts and restarts.
    Tail(Tail),
    /// Publish one event.
    Publish(Publish),
    /// Look at notifications that could never become events.
    Quarantine(Quarantine),
    /// Move dead letters back into the queue, at a bounded rate.
    Redrive(Redrive),
}

/// Which relay a tool talks to.
#[derive(Debug, ClapArgs)]
pub(crate) struct Relay {
    /// Address of the relay.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: Url,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) relay: Relay,
    /// Topics to follow.
    #[arg(required = true, value_name = "TOPIC")]
    pub(crate) topics: Vec<String>,
    /// Where to start: a cursor, or `earliest`. Without it: live.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) from: Option<String>,
    /// Keep the cursor in this file, and start from it.
    #[arg(long, value_name = "FILE")]
    pub(crate) cursor_file: Option<PathBuf>,
    /// Print one CloudEvent per line and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
    /// Run this with `sh -c` for every event, with the CloudEvent on its standard input. When it fails, the event
    /// is tried again.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Publish {
    #[command(flatten)]
    pub(crate) relay: Relay,
    /// Topic to publish on.
    pub(crate) topic: String,
    /// The event's data as JSON; `-` reads standard input.
    pub(crate) data: String,
    /// The event's type.
    #[arg(long = "type", value_name = "TYPE", default_value = "message")]
    pub(crate) event_type: String,
    /// The event's id: the same id is appended once.
    #[arg(long)]
    pub(crate) id: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Quarantine {
    #[command(flatten)]
    pub(crate) relay: Relay,
    #[command(subcommand)]
    pub(crate) action: QuarantineAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineAction {
    /// List the newest notifications.
    List,
    /// Show one with its body.
    Show {
        /// Its number.
        id: u64,
    },
    /// Take one again, with its source as it is configured now.
    Retry {
        /// Its number.
        #[arg(required_unless_present = "all")]
        id: Option<u64>,
        /// Take again all that are listed, oldest first.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// Throw one away.
    Drop {
        /// Its number.
        id: u64,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Redrive {
    /// Show what is there and why, and move nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// Most messages in a second; the relays go on with their own work meanwhile.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    /// Most messages in all; without it as many as there are at the start.
    #[arg(long, value_name = "N")]
    pub(crate) max: Option<u64>,
}
