use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::refused::Refused;
use crate::{Limiter, Quota, Verdict};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota as LocalQuota, RateLimiter};
use metrics::Counter;

/// How often something may happen under each key of a scope, on all instances together.
///
/// While what they share does not answer each instance counts for itself: a limit that is too lax for some seconds does
/// less harm than a relay that refuses everybody.
pub struct Limit {
    scope: &'static str,
    quota: Quota,
    shared: Option<Arc<dyn Limiter>>,
    asked_within: Duration,
    local: Local,
    checks: AtomicU32,
    /// Whoever goes on regardless costs the shared limiter nothing.
    refused: Mutex<Refused>,
    /// What its checks are counted with, looked up once.
    counted_allowed: OnceLock<Counter>,
    counted_refused: OnceLock<Counter>,
}

type Local =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// Over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit {
    /// What the limit is of.
    pub scope: &'static str,
    /// The limit.
    pub quota: Quota,
    /// When the same try is let through, if nobody else comes.
    pub retry_after: Duration,
    /// When the whole burst is there again.
    pub reset_after: Duration,
}

impl Limit {
    /// Checks between two rounds of forgetting keys that were quiet.
    const FORGET_EVERY: u32 = 10_000;
    /// Longest wait for the shared limiter. One push asks it up to three times before its event is appended, and all of
    /// that has 5 s.
    const ASKED_WITHIN: Duration = Duration::from_millis(250);

    /// A limit with a `scope` that names it in metrics and keys; without `shared` this process counts alone.
    #[must_use]
    pub fn new(scope: &'static str, quota: Quota, shared: Option<Arc<dyn Limiter>>) -> Self {
        let local = LocalQuota::per_minute(quota.per_minute).allow_burst(quota.burst);
        let local = RateLimiter::keyed(local).with_middleware::<StateInformationMiddleware>();
        Self {
            scope,
            quota,
            shared,
            asked_within: Self::ASKED_WITHIN,
            local,
            checks: AtomicU32::new(0),
            refused: Mutex::default(),
            counted_allowed: OnceLock::new(),
            counted_refused: OnceLock::new(),
        }
    }

    /// Waits so long for the shared limiter, and not 250 ms.
    #[must_use]
    pub fn asking_within(self, asked_within: Duration) -> Self {
        Self { asked_within, ..self }
    }

    /// Counts one try of `key`.
    ///
    /// # Errors
    ///
    /// [`OverLimit`]: it is not let through, and not counted.
    pub async fn take(&self, key: &str) -> Result<Verdict, OverLimit> {
        let verdict = match &self.shared {
            None => self.count_alone(key),
            Some(shared) => self.count_together(shared.as_ref(), key).await,
        };
        match verdict.is_allowed() {
            true => {
                self.counted(&self.counted_allowed, "allowed");
                Ok(verdict)
            }
            false => {
                self.counted(&self.counted_refused, "refused");
                Err(self.over(verdict))
            }
        }
    }

    /// Whether this process refused `key` and the time that it told is not over. Counts nothing and asks nobody.
    ///
    /// # Errors
    ///
    /// [`OverLimit`]: it is so.
    pub fn peek(&self, key: &str) -> Result<(), OverLimit> {
        self.still_refused(key).map_or(Ok(()), |verdict| Err(self.over(verdict)))
    }

    /// The quota that it counts by.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.quota
    }

    fn counted(&self, counter: &OnceLock<Counter>, outcome: &'static str) {
        let labels = [("scope", self.scope), ("outcome", outcome)];
        counter
            .get_or_init(|| metrics::counter!("hookwire_limit_checks_total", &labels))
            .increment(1);
    }

    async fn count_together(&self, shared: &dyn Limiter, key: &str) -> Verdict {
        if let Some(verdict) = self.still_refused(key) {
            return verdict;
        }
        let asked = shared.take(self.scope, key, self.quota);
        match tokio::time::timeout(self.asked_within, asked).await {
            Ok(Ok(verdict)) => {
                if !verdict.is_allowed() {
                    self.refused().remember(key, verdict.retry_after);
                }
                verdict
            }
            // Its adapter tells of its trouble, once and not per check.
            Ok(Err(_)) | Err(_) => {
                metrics::counter!("hookwire_limit_alone_total", "scope" => self.scope).increment(1);
                self.count_alone(key)
            }
        }
    }

    fn still_refused(&self, key: &str) -> Option<Verdict> {
        let retry_after = self.refused().wait(key)?;
        Some(Verdict { retry_after, remaining: 0, reset_after: self.whole(0) })
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over(&self, verdict: Verdict) -> OverLimit {
        OverLimit {
            scope: self.scope,
            quota: self.quota,
            retry_after: verdict.retry_after,
            reset_after: verdict.reset_after,
        }
    }

    fn count_alone(&self, key: &str) -> Verdict {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(Self::FORGET_EVERY) {
            self.local.retain_recent();
        }
        match self.local.check_key(&key.to_owned()) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Verdict {
                    retry_after: Duration::ZERO,
                    remaining,
                    reset_after: self.whole(remaining),
                }
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                // Zero would mean that it was let through.
                let retry_after = wait.max(Duration::from_millis(1));
                self.refused().remember(key, retry_after);
                Verdict { retry_after, remaining: 0, reset_after: self.whole(0) }
            }
        }
    }

    /// How long until the whole burst is there again.
    fn whole(&self, remaining: u32) -> Duration {
        self.quota.interval() * self.quota.burst.get().saturating_sub(remaining)
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("scope", &self.scope)
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::atomic::AtomicBool;

    use async_trait::async_trait;

    use super::*;
    use crate::Unavailable;

    /// Refuses everything for a second, or says that it is away, or does not answer.
    #[derive(Debug, Default)]
    struct Strict {
        away: AtomicBool,
        stalled: bool,
        asked: AtomicU32,
    }

    #[async_trait]
    impl Limiter for Strict {
        async fn take(&self, _: &str, _: &str, _: Quota) -> Result<Verdict, Unavailable> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.stalled {
                std::future::pending::<()>().await;
            }
            if self.away.load(Ordering::Relaxed) {
                return Err(Unavailable("away".into()));
            }
            let second = Duration::from_secs(1);
            Ok(Verdict { retry_after: second, remaining: 0, reset_after: second })
        }
    }

    fn quota(per_minute: u32, burst: u32) -> Quota {
        let [per_minute, burst] = [per_minute, burst].map(|n| NonZeroU32::new(n).unwrap());
        Quota { per_minute, burst }
    }

    #[tokio::test]
    async fn a_process_alone_lets_the_burst_through_and_tells_when_to_come_again() {
        let limit = Limit::new("test", quota(60, 3), None);
        for left in [2, 1, 0] {
            assert_eq!(limit.take("a").await.unwrap().remaining, left);
        }
        let over = limit.take("a").await.unwrap_err();
        assert!(over.retry_after <= Duration::from_secs(1), "{over:?}");
        assert!(limit.take("b").await.is_ok(), "another key has its own");
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_refused_is_refused_again_without_asking_until_the_time_is_over() {
        let strict = Arc::new(Strict::default());
        let limit = Limit::new("test", quota(60, 3), Some(Arc::clone(&strict) as Arc<dyn Limiter>));
        for _ in 0..100 {
            assert!(limit.take("a").await.is_err());
        }
        assert_eq!(strict.asked.load(Ordering::Relaxed), 1);
        assert!(limit.take("b").await.is_err());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(limit.take("a").await.is_err());
        assert_eq!(strict.asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn without_what_is_shared_the_limit_holds_for_each_process() {
        let strict = Arc::new(Strict { away: true.into(), ..Strict::default() });
        let limit = Limit::new("test", quota(60, 3), Some(strict));
        for _ in 0..3 {
            assert!(limit.take("a").await.is_ok());
        }
        assert!(limit.take("a").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_shared_and_does_not_answer_costs_a_quarter_of_a_second() {
        let strict = Arc::new(Strict { stalled: true, ..Strict::default() });
        let limit = Limit::new("test", quota(60, 3), Some(strict));
        let began = tokio::time::Instant::now();
        for checks in 1..=3 {
            assert!(limit.take("a").await.is_ok());
            assert_eq!(began.elapsed().as_millis(), checks * 250);
        }
        assert!(limit.take("a").await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_refused_is_known_without_counting_and_without_asking() {
        let strict = Arc::new(Strict::default());
        let shared = Arc::clone(&strict) as Arc<dyn Limiter>;
        for limit in
            [Limit::new("test", quota(60, 1), Some(shared)), Limit::new("test", quota(60, 1), None)]
        {
            for _ in 0..100 {
                assert_eq!(limit.peek("a"), Ok(()));
            }
            while limit.take("a").await.is_ok() {}
            assert!(limit.peek("a").unwrap_err().retry_after <= Duration::from_secs(1));
            assert_eq!(limit.peek("b"), Ok(()));
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(limit.peek("a"), Ok(()));
        }
        assert_eq!(strict.asked.load(Ordering::Relaxed), 1);
    }
}
