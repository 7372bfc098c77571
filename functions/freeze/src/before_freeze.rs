use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use hookwire_boot::telemetry::Sentry;
use tokio::time::timeout;
use tracing::warn;

/// How long an answer waits for all that is done before it ends: whoever pushed or reads has to wait for as long.
pub const WITHIN: Duration = Duration::from_millis(500);

/// How long Sentry may take of that.
const SENTRY_WITHIN: Duration = Duration::from_millis(450);

/// What is done before the answer of an invocation ends, such as telling somebody of what went wrong in it.
///
/// Each task is asked at the end of every invocation, so one that has nothing to do must return at once; and none may
/// block. Its state is its own, and it may be asked while it is at work for another invocation.
#[derive(Clone, Default)]
pub struct BeforeFreeze {
    tasks: Vec<Task>,
}

type Task = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

impl BeforeFreeze {
    /// Adds a task; they run beside each other.
    #[must_use]
    pub fn and<T, F>(mut self, task: T) -> Self
    where
        T: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push(Arc::new(move || task().boxed()));
        self
    }

    /// Sends what Sentry was told in the invocation; where that is nothing it costs nothing.
    #[must_use]
    pub fn and_sentry(self, sentry: Option<Sentry>) -> Self {
        let Some(sentry) = sentry else { return self };
        self.and(move || {
            let sentry = sentry.clone();
            async move { sentry.flush(SENTRY_WITHIN).await }
        })
    }

    /// Does it all, or as much of it as can be done [`WITHIN`] its time. A task that panics ends alone.
    pub async fn run(&self) {
        if self.tasks.is_empty() {
            return;
        }
        let caught = |task: &Task| AssertUnwindSafe(task()).catch_unwind();
        if timeout(WITHIN, join_all(self.tasks.iter().map(caught))).await.is_err() {
            warn!("an answer did not wait for all that is done before the process is frozen");
        }
    }

    /// Does it all after `work`, also where that panics: a panic is what somebody has to be told of.
    pub async fn after<T>(&self, work: impl Future<Output = T>) -> T {
        let done = AssertUnwindSafe(work).catch_unwind().await;
        self.run().await;
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Does it all where `work` panics, since nothing else of the invocation will.
    pub async fn if_it_panics<T>(&self, work: impl Future<Output = T>) -> T {
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(done) => done,
            Err(panic) => {
                self.run().await;
                resume_unwind(panic)
            }
        }
    }
}

impl fmt::Debug for BeforeFreeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeFreeze").field("tasks", &self.tasks.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::Instant;

    use super::*;

    fn counting(before: BeforeFreeze) -> (BeforeFreeze, Arc<AtomicUsize>) {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let before = before.and(move || {
            let counted = Arc::clone(&counted);
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        (before, runs)
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_not_waited_for_and_holds_nothing_else_up() {
        let stuck = BeforeFreeze::default().and(std::future::pending);
        let (before, runs) = counting(stuck);
        let start = Instant::now();
        assert_eq!(before.after(async { 7 }).await, 7);
        assert_eq!(start.elapsed(), WITHIN);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_an_answer_does_later_it_does_at_once_after_a_panic() {
        let (before, runs) = counting(BeforeFreeze::default());
        assert_eq!(before.if_it_panics(async { 7 }).await, 7);
        assert_eq!(runs.load(Ordering::SeqCst), 0);
        let panicking = before.if_it_panics(async { panic!("on purpose") });
        assert!(AssertUnwindSafe(panicking).catch_unwind().await.is_err());
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_does_not_wait_where_there_is_nothing_to_do() {
        let (before, runs) = counting(BeforeFreeze::default());
        let start = Instant::now();
        before.run().await;
        BeforeFreeze::default().run().await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn it_runs_also_after_a_panic_which_goes_on() {
        let panics = BeforeFreeze::default().and(|| async { panic!("a task") });
        let (before, runs) = counting(panics);
        let work = AssertUnwindSafe(before.after(async { panic!("the work") }));
        let panic: Box<dyn std::any::Any + Send> = work.catch_unwind().await.unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the work"));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}
