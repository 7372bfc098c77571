use std::sync::atomic::{AtomicU64, Ordering};

use hookwire_telemetry::SharedStretch;

/// The time in which the log takes nothing: told when it begins and when it is over, with what became of the events meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    stretch: SharedStretch,
    queued: AtomicU64,
    refused: AtomicU64,
}

impl Outage {
    /// The log has taken an event.
    pub(crate) fn is_over(&self) {
        if let Some(over) = self.stretch.over_however_short() {
            // What was not told of its own is told with the next that is.
            let [queued, refused] = self.counts().map(|count| count.swap(0, Ordering::Relaxed));
            let duration_ms = over.duration_ms();
            tracing::info!(duration_ms, queued, refused, "the log takes events again");
        }
    }

    /// The log has not taken an event, and the queue has, or not.
    pub(crate) fn goes_on(&self, is_queued: bool) {
        let count = if is_queued { &self.queued } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        if self.stretch.again().is_some() {
            let [queued, refused] = self.counts().map(|count| count.load(Ordering::Relaxed));
            tracing::warn!(queued, refused, "the log did not take an event");
        }
    }

    fn counts(&self) -> [&AtomicU64; 2] {
        [&self.queued, &self.refused]
    }
}
