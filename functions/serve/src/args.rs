use std::path::PathBuf;

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use clap::{Args as ClapArgs, Parser, Subcommand};
use hookwire_boot::{FromSetting, Secret};
use hookwire_event::{InvalidTenant, Tenant};
use hookwire_grant::TopicPattern;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{ClientBuilder, Url};

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
    /// Check the settings and say everything that is wrong with them; ask Redis and the queue. For before a start.
    Check,
    /// Look at everything that the relay of this machine needs, and say what is wrong and what to do; fails if something
    /// is bad.
    Doctor(Doctor),
    /// Ask the relay on this machine whether it lives; fails if it does not. For health checks.
    Probe(Probe),
    /// Follow topics in the terminal, across cuts and restarts.
    Tail(Tail),
    /// Publish one event.
    Publish(Publish),
    /// Look at notifications that could never become events.
    Quarantine(Quarantine),
    /// Move dead letters back into the queue, at a bounded rate.
    Redrive(Redrive),
    /// Make a token for development, signed with `jwt_secret`.
    Token(Token),
    /// End the streams of a user or a token on all relays, and take their tokens no more.
    Revoke(Revoke),
    /// Say which lines a relay logs, or have it log others while it runs.
    Log(Log),
}

/// Which relay a tool talks to.
#[derive(Debug, ClapArgs)]
pub(crate) struct Relay {
    /// Address of the relay.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: Url,
    /// Token for a relay that has keys. Other users of this machine see arguments; the variable they do not.
    #[arg(long, value_name = "TOKEN", env = "HOOKWIRE_TOKEN", hide_env_values = true, value_parser = secret)]
    pub(crate) token: Option<Secret>,
}

impl Relay {
    /// A client that sends the token with every request.
    pub(crate) fn client(&self) -> anyhow::Result<ClientBuilder> {
        let mut headers = HeaderMap::new();
        if let Some(token) = self.token.as_ref().map(Secret::expose).filter(|text| !text.is_empty())
        {
            let bearer = HeaderValue::try_from(format!("Bearer {token}"));
            let mut bearer = bearer.ok().context("the token is none: no header can carry it")?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(reqwest::Client::builder().default_headers(headers))
    }
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Probe {
    /// Address of the relay; without it the one that it listens on by the settings.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,
    /// Ask whether it can serve as well, and say why not.
    #[arg(long)]
    pub(crate) ready: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
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

#[derive(Debug, ClapArgs)]
pub(crate) struct Token {
    /// Whose it is: `sub`.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// Topics that may be followed, such as `orders/*`, `news/**` or `mail/{sub}`; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) subscribe: Vec<TopicPattern>,
    /// Topics that may be published on; may be given several times.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) publish: Vec<TopicPattern>,
    /// Open the quarantine, the metrics and revocations to it.
    #[arg(long)]
    pub(crate) admin: bool,
    /// Tenant whose topics those are.
    #[arg(long, value_name = "NAME", value_parser = tenant)]
    pub(crate) tenant: Option<Tenant>,
    /// How long it lives.
    #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = duration)]
    pub(crate) lasts: Duration,
    /// Its own id, by which it can be revoked alone: `jti`.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) relay: Relay,
    /// Whose streams end; new tokens of the same user are taken.
    #[arg(long, value_name = "NAME", required_unless_present = "token_id")]
    pub(crate) user: Option<String>,
    /// The one token, by its `jti`.
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    pub(crate) token_id: Option<String>,
    /// Tenant that user or token belong to.
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Log {
    #[command(flatten)]
    pub(crate) relay: Relay,
    /// What it is to log, written like `RUST_LOG`: `debug`, or `info,hookwire_redis=trace`.
    pub(crate) filter: Option<String>,
    /// For how long; then it logs again what it did before. Without it until a restart.
    #[arg(long = "for", value_name = "TIME", requires = "filter")]
    pub(crate) lasts: Option<String>,
}

fn tenant(text: &str) -> Result<Tenant, InvalidTenant> {
    Tenant::parse(text)
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::from_text(text).map_err(|_reason| format!("expects {}", Duration::EXPECTS))
}
