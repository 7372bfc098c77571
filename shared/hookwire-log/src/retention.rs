use std::time::Duration;

/// How long a log keeps events and remembers their ids.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Oldest entry kept.
    pub age: Duration,
    /// Most entries kept in one topic, at least 1.
    pub events: u64,
    /// Most bytes of stored records kept in one topic; also the largest single event.
    pub bytes: u64,
    /// How long the same id counts as a duplicate.
    pub dedupe_window: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            age: Duration::from_hours(24),
            events: 100_000,
            bytes: 64 * 1024 * 1024,
            dedupe_window: Duration::from_hours(1),
        }
    }
}

impl Retention {
    /// Entries appended before this time are to go.
    #[must_use]
    pub fn oldest_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(millis(self.age))
    }

    /// Ids marked before this time are forgotten.
    #[must_use]
    pub fn oldest_mark_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(millis(self.dedupe_window))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
