use std::time::Instant;

use hdrhistogram::Histogram;

/// When events were due to be published, and how long after that streams received them, in microseconds.
#[derive(Debug)]
pub struct Arrivals {
    /// Of the event at position 1, 2, 3 …
    due: Vec<Instant>,
    pub latency: Histogram<u64>,
}

impl Arrivals {
    const LONGEST_US: u64 = 60_000_000;

    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { due: Vec::new(), latency: Histogram::new_with_max(Self::LONGEST_US, 3)? })
    }

    pub fn due(&mut self, at: Instant) {
        self.due.push(at);
    }

    /// Notes that a stream just received the `count` events up to position `last`.
    pub fn note(&mut self, last: u64, count: u64) {
        let now = Instant::now();
        for k in last - count..last {
            if let Some(due) = usize::try_from(k).ok().and_then(|k| self.due.get(k)) {
                let late = u64::try_from(now.duration_since(*due).as_micros()).unwrap_or(u64::MAX);
                self.latency.saturating_record(late.max(1));
            }
        }
    }
}
