use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use crate::Unavailable;

/// How often something may happen: `per_minute` in the long run, and `burst` at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Times in a minute, evenly.
    pub per_minute: NonZeroU32,
    /// Times at once, after a pause.
    pub burst: NonZeroU32,
}

impl Quota {
    /// `per_minute`, and as many at once.
    #[must_use]
    pub fn per_minute(per_minute: NonZeroU32) -> Self {
        Self { per_minute, burst: per_minute }
    }

    /// Time after which one more is let through in the long run.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_mins(1) / self.per_minute.get()
    }
}

/// What a limiter says of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// When the same try is let through if nobody else comes; zero means that it was let through now, and counted.
    pub retry_after: Duration,
    /// How many more would be let through at once.
    pub remaining: u32,
    /// When the whole burst is there again.
    pub reset_after: Duration,
}

impl Verdict {
    /// Whether the try was let through.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.retry_after.is_zero()
    }
}

/// Counts for all instances together, by one clock.
#[async_trait]
pub trait Limiter: std::fmt::Debug + Send + Sync + 'static {
    /// Counts one try under `key` of `scope`, unless it is over the quota, as one atomic step: of any number of concurrent
    /// tries on any number of instances exactly `burst` are let through at once (generic cell rate algorithm).
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: it may have been counted or not.
    async fn take(&self, scope: &str, key: &str, quota: Quota) -> Result<Verdict, Unavailable>;
}
