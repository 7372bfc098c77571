use std::sync::Arc;

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
}

impl Lateness {
    /// One that somebody settles; nothing is late at first.
    #[must_use]
    pub fn tracked() -> Self {
        Self(Some(Arc::default()))
    }

    /// Notes a sign that events come late: one went to the queue only, or the log did not answer.
    pub fn suspect(&self) {
        if let Some(state) = &self.0 {
            state.send_if_modified(|state| {
                state.signs += 1;
                !std::mem::replace(&mut state.late, true)
            });
        }
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
                state.signs == signs && std::mem::replace(&mut state.late, false)
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
    fn without_a_queue_nothing_is_late() {
        let lateness = Lateness::default();
        lateness.suspect();
        assert!(!lateness.is_late());
    }
}
