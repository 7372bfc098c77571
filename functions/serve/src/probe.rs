use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use hookwire_boot::{Origin, Settings};
use hookwire_settings::KEYS;
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
    let url = resource(&relay, &[if probe.ready { "readyz" } else { "healthz" }])?;
    // A proxy that the machine has for the outside would be asked for this machine's relay, too.
    let client = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build()?;
    let answer = client.get(url).send().await;
    let answer = answer.with_context(|| format!("no relay answers at {relay}"))?;
    let status = answer.status();
    let told = answer.text().await?;
    let health: Value = serde_json::from_str(&told).unwrap_or_default();
    if !status.is_success() {
        let reasons = texts(&health, "reasons");
        ensure!(!reasons.is_empty(), "what answers at {relay} with {status} is no relay");
        bail!("the relay at {relay} is not ready: {}", reasons.join("; "));
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}", if probe.ready { "ready" } else { "alive" })?;
    for reason in texts(&health, "degraded") {
        writeln!(out, "degraded: {reason}")?;
    }
    Ok(())
}

/// The relay of this machine, by its settings. Reads no other setting, since those may be secrets that take time to
/// fetch.
fn own(path: Option<PathBuf>) -> anyhow::Result<Url> {
    let settings = Settings::load(&KEYS, &["sources"], Origin::process(path));
    let mut listen: SocketAddr = settings.value("listen");
    settings.finish()?;
    ensure!(listen.port() != 0, "the relay listens on any free port; say on which one with --url");
    if listen.ip().is_unspecified() {
        listen.set_ip(match listen.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(Url::parse(&format!("http://{listen}"))?)
}

/// The texts of an array in what `/readyz` says.
fn texts<'h>(health: &'h Value, name: &str) -> Vec<&'h str> {
    let array = health.get(name).and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_str).collect()
}
