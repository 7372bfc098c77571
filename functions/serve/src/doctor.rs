//! `hookwire doctor`: looks at everything that the relay needs, as the relay would use it, and says what it finds.

mod answer;
mod clock;
mod disk;
mod finding;
mod keys;
mod limits;
mod listen;
mod log;
mod plain;
mod queue;
mod redis;
mod rights;
mod settings;

use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use hookwire_boot::Mistakes;

use crate::args::Doctor;
use crate::config::{Config, load};
use answer::Answer;
pub(crate) use finding::{Finding, Level};
pub(crate) use settings::settings;
pub(crate) use {log::log, queue::queue};

/// Longest time for one probe; all run side by side. Longer than a lookup of credentials that fails, after which a queue says
/// why it cannot be asked.
const WITHIN: Duration = Duration::from_secs(15);

/// Runs all probes and says what they found; fails when something is bad.
pub(crate) async fn doctor(path: Option<PathBuf>, doctor: Doctor) -> anyhow::Result<()> {
    let findings = match load(path).await {
        Ok((config, warnings)) => {
            let mut findings = settings(&config, &warnings);
            findings.extend(examined(&config).await);
            findings
        }
        Err(mistakes) => of_mistakes(&mistakes),
    };
    Answer(findings).say(doctor.json)
}

async fn examined(config: &Config) -> Vec<Finding> {
    let (listen, limits, log, queue, keys) = tokio::join!(
        bounded("listen", Box::pin(listen::listen(config.listen))),
        bounded("limits", Box::pin(async { limits::limits(&config.listener) })),
        bounded("log", Box::pin(log::examined(config))),
        bounded("queue", Box::pin(queue(config))),
        bounded("keys", Box::pin(keys::keys(config))),
    );
    [listen, limits, log, queue, keys].concat()
}

/// Boxed, since they are large and all are held at once.
type Probe<'p> = Pin<Box<dyn Future<Output = Vec<Finding>> + 'p>>;

/// What a probe found, or that it did not end.
async fn bounded(about: &'static str, probe: Probe<'_>) -> Vec<Finding> {
    match tokio::time::timeout(WITHIN, probe).await {
        Ok(findings) => findings,
        Err(_elapsed) => vec![Finding::bad(
            about,
            format!("no answer within {} s", WITHIN.as_secs()),
            "see what keeps it from answering: a firewall that drops what is sent, or a machine that hangs",
        )],
    }
}

/// Nothing else can be looked at: what the relay would use is not known.
fn of_mistakes(mistakes: &Mistakes) -> Vec<Finding> {
    let each = mistakes.iter().map(|mistake| {
        Finding::bad("settings", mistake.to_string(), "mend it; all else is looked at after that")
    });
    each.collect()
}

/// Prints what was found by fewer probes.
pub(crate) fn say(findings: Vec<Finding>) -> anyhow::Result<()> {
    Answer(findings).say(false)
}
