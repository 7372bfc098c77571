use std::sync::{PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use metrics::{Counter, Gauge, Histogram};

/// What is counted of one source beside the outcomes of its pushes.
pub(crate) struct Pushes {
    duration: Histogram,
    last: Gauge,
    /// By outcome, each looked up once, when the first one is counted.
    outcomes: RwLock<Vec<(&'static str, Counter)>>,
}

impl Pushes {
    /// Its last push counts as now: silence is told of from the start of the process on.
    pub(crate) fn of(source: &str) -> Self {
        let labels = [("source", source.to_owned())];
        let pushes = Self {
            duration: metrics::histogram!("hookwire_webhook_duration_seconds", &labels),
            last: metrics::gauge!("hookwire_source_last_push_timestamp_seconds", &labels),
            outcomes: RwLock::default(),
        };
        pushes.verified();
        pushes
    }

    /// Notes a push that verified, whatever becomes of it.
    pub(crate) fn verified(&self) {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.last.set(since_epoch.unwrap_or_default());
    }

    /// Notes an answer.
    pub(crate) fn answered(&self, source: &str, outcome: &'static str, came: Instant) {
        self.outcome(source, outcome).increment(1);
        self.duration.record(came.elapsed());
    }

    fn outcome(&self, source: &str, outcome: &'static str) -> Counter {
        let known = self.outcomes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = known.iter().find(|(word, _)| *word == outcome) {
            return counter.clone();
        }
        drop(known);
        let labels = [("source", source.to_owned()), ("outcome", outcome.to_owned())];
        let counter = metrics::counter!("hookwire_webhooks_total", &labels);
        // Twice, if two come at once: both are of the same series.
        let mut known = self.outcomes.write().unwrap_or_else(PoisonError::into_inner);
        known.push((outcome, counter.clone()));
        counter
    }
}

impl std::fmt::Debug for Pushes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pushes")
    }
}
