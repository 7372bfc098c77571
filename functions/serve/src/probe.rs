use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use hookwire_boot::{Origin, Settings};
use hookwire_settings::KEYS;
use http::StatusCode;
use reqwest::{Client, Url};
use serde_json::Value;

use crate::args::Probe;
use crate::publish::resource;

/// How long an answer may take. Longer than a Redis that is away keeps `/readyz`, and shorter than the time-outs of
/// those who run this, so that it is this program that says what is wrong.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// `hookwire probe`: succeeds when the relay lives, or with `--ready` when it can serve.
pub(crate) async fn probe(path: Option<PathBuf>, probe: Probe) -> anyhow::Result<()> {
    let relay = match probe.url {
        Some(url) => url,
        None => own(path)?,
    };
    let told = Told::by(&relay, if probe.ready { "readyz" } else { "healthz" }).await?;
    if !told.status.is_success() {
        ensure!(told.is_of_relay(), "what answers at {relay} with {} is no relay", told.status);
        bail!("the relay at {relay} is not ready: {}", told.texts("reasons").join("; "));
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}", if probe.ready { "ready" } else { "alive" })?;
    for reason in told.texts("degraded") {
        writeln!(out, "degraded: {reason}")?;
    }
    Ok(())
}

/// What a relay says of its health.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) health: Value,
}

impl Told {
    /// Asks it.
    pub(crate) async fn by(relay: &Url, what: &str) -> anyhow::Result<Self> {
        let url = resource(relay, &[what])?;
        // A proxy that the machine has for the outside would be asked for this machine's relay, too.
        let client = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?;
        let answer = client.get(url).send().await;
        let answer = answer.with_context(|| format!("no relay answers at {relay}"))?;
        let status = answer.status();
        let health = serde_json::from_str(&answer.text().await?).unwrap_or_default();
        Ok(Self { status, health })
    }

    /// Whether it says of itself whether it is ready.
    pub(crate) fn is_of_relay(&self) -> bool {
        match self.health.get("ready") {
            Some(Value::Bool(ready)) => *ready || !self.texts("reasons").is_empty(),
            _ => false,
        }
    }

    /// The texts of an array.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let array = self.health.get(name).and_then(Value::as_array);
        array.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// The relay of this machine, by its settings. Reads no other setting, since those may be secrets that take time to
/// fetch.
fn own(path: Option<PathBuf>) -> anyhow::Result<Url> {
    let settings = Settings::load(&KEYS, &["sources"], Origin::process(path));
    let listen: SocketAddr = settings.value("listen");
    settings.finish()?;
    ensure!(listen.port() != 0, "the relay listens on any free port; say on which one with --url");
    local(listen)
}

/// Where a relay that listens there is reached on its own machine.
pub(crate) fn local(mut listen: SocketAddr) -> anyhow::Result<Url> {
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(Url::parse(&format!("http://{listen}"))?)
}
