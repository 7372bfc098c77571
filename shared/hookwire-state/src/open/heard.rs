use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::warn;

use super::OpenStreams;
use crate::{Mark, Unavailable};

/// What was heard longer ago may be out of date; some times the pause between two questions.
const STALE_AFTER: Duration = Duration::from_secs(2);
/// Longest wait for what is out of date.
const WITHIN: Duration = Duration::from_secs(2);

/// Up to where the revocations are known, and since when.
#[derive(Debug, Default)]
pub(super) struct Heard {
    mark: Mutex<Mark>,
    /// By the clock on the wall: in a process that was frozen the other one may have stood still. Zero before anything
    /// was heard.
    at_ms: AtomicU64,
    /// Whether somebody was told that nothing was heard.
    told: AtomicBool,
}

impl Heard {
    fn is_stale(&self) -> bool {
        let at = Duration::from_millis(self.at_ms.load(Ordering::Acquire));
        // A clock that was set back makes it stale too.
        since_epoch().checked_sub(at).is_none_or(|ago| ago > STALE_AFTER)
    }

    fn now(&self) {
        let now_ms = u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX);
        self.at_ms.store(now_ms, Ordering::Release);
    }
}

impl OpenStreams {
    /// Reads the revocations that are not known here yet.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: there may be more.
    pub async fn catch_up(&self) -> Result<(), Unavailable> {
        let mut mark = self.heard.mark.lock().await;
        loop {
            let (page, next) = self.revocations.after(&mark).await?;
            self.learn(&page);
            *mark = next;
            if page.is_empty() {
                self.heard.now();
                return Ok(());
            }
        }
    }

    /// Waits until the revocations of a moment ago are known, which they are already while [`OpenStreams::watch`] runs.
    ///
    /// A process that has just begun, or was frozen, has not heard of any of late. It does not wait for ever: what keeps
    /// them may be away, and then what is known has to do.
    pub async fn up_to_date(&self) {
        if !self.heard.is_stale() {
            return;
        }
        let known = timeout(WITHIN, self.catch_up()).await;
        if matches!(known, Ok(Ok(()))) || self.heard.at_ms.load(Ordering::Acquire) > 0 {
            return;
        }
        if !self.heard.told.swap(true, Ordering::AcqRel) {
            warn!("the revocations are not known yet; until then revoked tokens are taken");
        }
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
