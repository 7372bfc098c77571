use std::time::Instant;

use metrics::{Counter, Histogram};

/// What a hub counts: handles are kept, since looking one up would take longer than what it counts.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    hits: Counter,
    misses: Counter,
    backfill_events: Histogram,
    backfill_duration: Histogram,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            hits: metrics::counter!("hookwire_ring_reads_total", "outcome" => "hit"),
            misses: metrics::counter!("hookwire_ring_reads_total", "outcome" => "miss"),
            backfill_events: metrics::histogram!("hookwire_backfill_events"),
            backfill_duration: metrics::histogram!("hookwire_backfill_duration_seconds"),
        }
    }

    /// The ring had what follows.
    pub(crate) fn hit(&self) {
        self.hits.increment(1);
    }

    /// The log has to be asked.
    pub(crate) fn miss(&self) {
        self.misses.increment(1);
    }

    /// The log answered with so many events.
    pub(crate) fn backfilled(&self, events: usize, since: Instant) {
        self.backfill_events.record(events as f64);
        self.backfill_duration.record(since.elapsed());
    }
}
