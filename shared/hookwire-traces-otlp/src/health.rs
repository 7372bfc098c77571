use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tracing::{info, warn};

/// Whether the collector takes what it is sent, and when it is tried again if not. Tells only of changes.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// By the clock on the wall: a frozen process counts no time.
    tried_again_at: Mutex<Option<SystemTime>>,
}

impl Health {
    /// A collector that is away is left alone for so long, or every invocation of a function would wait for it.
    const PAUSE: Duration = Duration::from_secs(30);

    /// Whether it may be sent something.
    pub(crate) fn is_due(&self) -> bool {
        self.tried_again_at().is_none_or(|at| {
            let now = SystemTime::now();
            // A clock that was set back must not make this for ever.
            now >= at || now + Self::PAUSE < at
        })
    }

    pub(crate) fn took(&self, lost: impl FnOnce() -> u64) {
        if self.tried_again_at().take().is_some() {
            // Outside of the line, which may be filtered out.
            let lost_spans = lost();
            info!(lost_spans, "spans reach the collector again");
        }
    }

    pub(crate) fn did_not_take(&self, error: &dyn std::error::Error) {
        let mut tried_again_at = self.tried_again_at();
        if tried_again_at.replace(SystemTime::now() + Self::PAUSE).is_none() {
            let error = error.to_string();
            warn!(
                error,
                "spans do not reach the collector and are thrown away; nothing else suffers"
            );
        }
    }

    fn tried_again_at(&self) -> MutexGuard<'_, Option<SystemTime>> {
        self.tried_again_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_away_is_left_alone_until_the_clock_says_so_or_was_set_back() {
        let health = Health::default();
        assert!(health.is_due());
        health.did_not_take(&std::io::Error::other("away"));
        assert!(!health.is_due());
        for at in [SystemTime::now(), SystemTime::now() + 3 * Health::PAUSE] {
            *health.tried_again_at() = Some(at);
            assert!(health.is_due());
        }
        let mut told = 0;
        for _ in 0..2 {
            health.took(|| {
                told += 1;
                7
            });
        }
        assert_eq!(told, 1, "only what was away comes back");
    }
}
