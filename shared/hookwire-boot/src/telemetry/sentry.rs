//! Tells Sentry what is broken, since when, for whom and when it is over.

mod breadcrumbs;
mod cap;
mod dsn;
mod hears;
mod line;
mod outbox;
mod report;
mod scrub;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use breadcrumbs::Breadcrumbs;
use cap::{Cap, Decision};
use hears::Hears;
use line::Line;
use outbox::Outbox;
use report::Report;
use sentry::{Client, ClientOptions};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;

use super::BoxedLayer;

pub use dsn::SentryDsn;

/// What Sentry is told, and how much of it.
#[derive(Debug, Clone)]
pub struct SentryConfig {
    /// Where it is.
    pub dsn: SentryDsn,
    /// What it calls this deployment.
    pub environment: String,
    /// Share of what begins that is told, from 0 to 1.
    pub sample_rate: f64,
    /// Most events in ten minutes; of one kind a sixth.
    pub max_events: u32,
    /// Where the runbook is.
    pub runbook: String,
}

/// What this process tells Sentry.
///
/// An event is one of level `error`, or one that names an incident, whatever its level; what else is logged comes along with
/// the next one. Nothing waits for Sentry, and what it does not take is lost.
#[derive(Clone)]
pub struct Sentry(Arc<Reporter>);

struct Reporter {
    client: Client,
    outbox: Arc<Outbox>,
    function: &'static str,
    runbook: String,
    cap: Mutex<Cap>,
    breadcrumbs: Mutex<Breadcrumbs>,
}

/// What runs here, as Sentry compares it with what ran before.
fn release() -> String {
    let version = concat!("hookwire@", env!("CARGO_PKG_VERSION"));
    match option_env!("HOOKWIRE_REVISION") {
        Some(revision) if !revision.is_empty() => format!("{version}+{revision}"),
        _ => version.to_owned(),
    }
}

impl Sentry {
    /// Tells as this function. Nothing is connected before there is something to tell.
    #[must_use]
    pub fn new(config: SentryConfig, function: &'static str) -> Self {
        let outbox = Arc::new(Outbox::new(&config.dsn));
        let options = ClientOptions::new()
            .dsn(config.dsn.as_str())
            .release(release())
            .environment(config.environment)
            // Not the host's: a name of a machine may be somebody's.
            .server_name(function)
            .default_integrations(false)
            .before_send(|event| Some(scrub::event(event)))
            .transport(Arc::clone(&outbox));
        Self(Arc::new(Reporter {
            client: Client::with_options(options),
            outbox,
            function,
            runbook: config.runbook,
            cap: Mutex::new(Cap::new(config.max_events, config.sample_rate)),
            breadcrumbs: Mutex::default(),
        }))
    }

    /// What hears of everything that is to be told.
    #[must_use]
    pub fn layer(&self) -> BoxedLayer {
        Hears(Arc::clone(&self.0)).with_filter(LevelFilter::INFO).boxed()
    }

    /// Waits until what was told since the last call is sent, but no longer than this; not at all where nothing was.
    pub async fn flush(&self, within: Duration) {
        self.0.outbox.flush(within).await;
    }
}

impl Reporter {
    fn hear(&self, line: Line) {
        if line.is_told() {
            self.tell(line);
        } else if line.is_worth_a_breadcrumb(self.function) {
            let mut kept = self.breadcrumbs.lock().unwrap_or_else(PoisonError::into_inner);
            kept.keep(line.breadcrumb());
        }
    }

    fn tell(&self, line: Line) {
        let now = SystemTime::now();
        let report = Report::of(line, self.function);
        let decision = {
            let mut cap = self.cap.lock().unwrap_or_else(PoisonError::into_inner);
            cap.decide(&report.kind, &report.whom, report.is_over, now)
        };
        match decision {
            Decision::Tell { since, suppressed } => {
                let kept = self.breadcrumbs.lock().unwrap_or_else(PoisonError::into_inner);
                let breadcrumbs = kept.all();
                drop(kept);
                let event = report.event(now, since, suppressed, breadcrumbs, &self.runbook);
                self.client.capture_event(event, None);
            }
            Decision::Capped => Outbox::count("capped"),
            Decision::Nothing => {}
        }
    }
}

impl fmt::Debug for Sentry {
    // Not derived: the client has no Debug.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentry").field("function", &self.0.function).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
