use std::collections::HashMap;
use std::time::Duration;

use hookwire_log::BoxError;
use hookwire_telemetry::SharedStretch;

/// Tells of notifications that can never become events: who sends them decides how many there are, and must not
/// decide how many lines.
#[derive(Debug)]
pub(crate) struct Junk(HashMap<String, OfSource>);

#[derive(Debug, Default)]
struct OfSource {
    kept: SharedStretch,
    lost: SharedStretch,
}

impl Junk {
    pub(crate) fn of<'s>(sources: impl Iterator<Item = &'s str>) -> Self {
        Self(sources.map(|source| (source.to_owned(), OfSource::default())).collect())
    }

    /// Among them there may be good ones for so long.
    const OVER_AFTER: Duration = Duration::from_mins(1);

    /// One is in the quarantine, under this number if it has one yet.
    pub(crate) fn kept(&self, source: &str, reason: &str, number: Option<u64>) {
        match self.0.get(source).and_then(|junk| junk.kept.again()) {
            Some(notifications) => tracing::warn!(
                incident = "quarantine-fills",
                source,
                reason,
                notifications,
                quarantine.id = number,
                "quarantined a notification"
            ),
            None => tracing::debug!(
                source,
                reason,
                quarantine.id = number,
                "quarantined a notification"
            ),
        }
    }

    /// One is kept nowhere.
    pub(crate) fn lost(&self, source: &str, error: &BoxError) {
        match self.0.get(source).and_then(|junk| junk.lost.again()) {
            Some(notifications) => {
                tracing::warn!(source, error, notifications, "could not quarantine a notification");
            }
            None => tracing::debug!(source, error, "could not quarantine a notification"),
        }
    }

    /// A notification became an event; the others may be over.
    pub(crate) fn good(&self, source: &str) {
        let junk = self.0.get(source);
        if let Some(over) = junk.and_then(|junk| junk.kept.quiet(Self::OVER_AFTER)) {
            tracing::info!(
                incident = "quarantine-fills",
                resolved = true,
                source,
                notifications = over.count,
                duration_ms = over.duration_ms(),
                "no notification has been quarantined of late"
            );
        }
    }
}
