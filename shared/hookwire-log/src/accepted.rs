use std::num::NonZeroU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When somebody asked for the append of an event: what the latency of its delivery is measured from.
///
/// By the clock on the wall of who asked, since whoever delivers may be another machine. It says nothing of when the event
/// happened, nor of what waited in the queue before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    since_epoch_us: NonZeroU64,
}

impl Accepted {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        let us = u64::try_from(since_epoch().as_micros()).unwrap_or(u64::MAX);
        Self { since_epoch_us: NonZeroU64::new(us).unwrap_or(NonZeroU64::MIN) }
    }

    /// At so many microseconds since the Unix epoch; `None` at none.
    #[must_use]
    pub fn at_us(us: u64) -> Option<Self> {
        NonZeroU64::new(us).map(|since_epoch_us| Self { since_epoch_us })
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn as_us(self) -> u64 {
        self.since_epoch_us.get()
    }

    /// How long ago that is; nothing where clocks differ by more.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        since_epoch().saturating_sub(Duration::from_micros(self.as_us()))
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
