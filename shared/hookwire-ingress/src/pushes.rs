use std::time::{Instant, SystemTime};

use metrics::{Gauge, Histogram};

/// What is counted of one source beside the outcomes of its pushes.
pub(crate) struct Pushes {
    duration: Histogram,
    last: Gauge,
}

impl Pushes {
    /// Its last push counts as now: silence is told of from the start of the process on.
    pub(crate) fn of(source: &str) -> Self {
        let labels = [("source", source.to_owned())];
        let pushes = Self {
            duration: metrics::histogram!("hookwire_webhook_duration_seconds", &labels),
            last: metrics::gauge!("hookwire_source_last_push_timestamp_seconds", &labels),
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
    pub(crate) fn answered(&self, came: Instant) {
        self.duration.record(came.elapsed());
    }
}

impl std::fmt::Debug for Pushes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pushes")
    }
}
