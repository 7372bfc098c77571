use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Whether events may have been acknowledged that are not in the log yet, and will come late.
///
/// Only with a queue beside the log can there be such events, and whoever watches that queue decides when there are
/// none any more. Without one nothing is ever late.
#[derive(Debug, Clone, Default)]
pub struct Lateness(Option<Arc<watch::Sender<State>>>);

#[derive(Debug, Default)]
struct State {
    late: bool,
    signs: u64,
    /// When the oldest event was accepted that may be only in the queue, in microseconds since the Unix epoch.
    oldest_us: Option<u64>,
    drained: Drained,
}

/// What came out of the queue in the last few seconds.
#[derive(Debug, Default)]
struct Drained {
    since_us: u64,
    oldest_us: Option<u64>,
}

impl Drained {
    /// A queue keeps no order; what is older than all that came in so long is most likely through.
    const WINDOW_US: u64 = 10_000_000;

    /// Adds one, and returns the oldest of a window when it is over.
    fn add(&mut self, accepted_at_us: u64, now_us: u64) -> Option<u64> {
        let is_over = now_us.saturating_sub(self.since_us) > Self::WINDOW_US;
        let before = if is_over { self.oldest_us.take() } else { None };
        if is_over {
            self.since_us = now_us;
        }
        self.oldest_us = self.oldest_us.into_iter().chain([accepted_at_us]).min();
        before.map(|before| before.min(accepted_at_us))
    }
}

impl Lateness {
    /// One that somebody settles; nothing is late at first.
    #[must_use]
    pub fn tracked() -> Self {
        Self(Some(Arc::default()))
    }

    /// Notes a sign that events come late: the log did not answer, or nobody knows what the queue holds.
    pub fn suspect(&self) {
        self.note(None);
    }

    /// Notes that an event is in the queue and not in the log, which was accepted so many microseconds after the Unix epoch.
    pub fn queued(&self, accepted_at_us: u64) {
        self.note(Some(accepted_at_us));
    }

    /// Notes that an event came out of the queue that the log did not have, accepted so many microseconds after the Unix epoch.
    ///
    /// What is brought for long moves the age on; otherwise a source that is always a little over its limit would seem to wait
    /// ever longer.
    pub fn drained(&self, accepted_at_us: u64) {
        self.queued(accepted_at_us);
        if let Some(state) = &self.0 {
            let now_us = u64::try_from(since_epoch().as_micros()).unwrap_or(u64::MAX);
            state.send_if_modified(|state| {
                if let Some(oldest_us) = state.drained.add(accepted_at_us, now_us) {
                    state.oldest_us = Some(oldest_us);
                }
                false
            });
        }
    }

    fn note(&self, accepted_at_us: Option<u64>) {
        if let Some(state) = &self.0 {
            state.send_if_modified(|state| {
                state.signs += 1;
                state.oldest_us = state.oldest_us.into_iter().chain(accepted_at_us).min();
                !std::mem::replace(&mut state.late, true)
            });
        }
    }

    /// At most so long ago the oldest event was accepted that only the queue has, as far as this process knows; zero when there
    /// is none.
    #[must_use]
    pub fn oldest(&self) -> Duration {
        let oldest_us = self.0.as_ref().and_then(|state| state.borrow().oldest_us);
        oldest_us
            .map_or(Duration::ZERO, |us| since_epoch().saturating_sub(Duration::from_micros(us)))
    }

    /// How many signs there were so far.
    #[must_use]
    pub fn signs(&self) -> u64 {
        self.0.as_ref().map_or(0, |state| state.borrow().signs)
    }

    /// Notes that everything acknowledged is in the log, unless there was another sign since those `signs`.
    pub fn settle(&self, signs: u64) {
        if let Some(state) = &self.0 {
            state.send_if_modified(|state| {
                let settled = state.signs == signs && std::mem::replace(&mut state.late, false);
                if settled {
                    state.oldest_us = None;
                }
                settled
            });
        }
    }

    /// Whether events may come late.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.borrow().late)
    }

    /// Waits until [`Self::is_late`] is no longer `late`; for ever when nothing can be late.
    pub async fn differs_from(&self, late: bool) {
        match &self.0 {
            // The sender lives as long as this waits.
            Some(state) => drop(state.subscribe().wait_for(|state| state.late != late).await),
            None if late => {}
            None => std::future::pending().await,
        }
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_hears_of_each_change() {
        let lateness = Lateness::tracked();
        assert!(!lateness.is_late());
        lateness.clone().suspect();
        lateness.differs_from(false).await;
        assert!(lateness.is_late());
        lateness.settle(lateness.signs());
        lateness.differs_from(true).await;
        assert!(!lateness.is_late());
    }

    #[test]
    fn a_sign_that_came_meanwhile_is_not_settled() {
        let lateness = Lateness::tracked();
        lateness.suspect();
        let signs = lateness.signs();
        lateness.suspect();
        lateness.settle(signs);
        assert!(lateness.is_late());
    }

    #[test]
    fn what_is_drained_moves_the_age_on_a_window_later() {
        let (mut drained, second) = (Drained::default(), 1_000_000);
        let start = 1_000 * second;
        let came = |drained: &mut Drained, at: u64| {
            drained.add(start + (at - 1) * second, start + at * second)
        };
        assert_eq!(came(&mut drained, 1), None);
        assert_eq!(came(&mut drained, 8), None);
        assert_eq!(came(&mut drained, 12), Some(start), "the oldest of the window");
        assert_eq!(came(&mut drained, 20), None);
        assert_eq!(drained.add(start, start + 23 * second), Some(start), "it came late");
    }

    #[test]
    fn without_a_queue_nothing_is_late() {
        let lateness = Lateness::default();
        lateness.suspect();
        assert!(!lateness.is_late());
    }
}
