use std::sync::Arc;
use std::time::Duration;

use hookwire_log::Lateness;
use hookwire_telemetry::Stretch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{Depth, Queue};

/// Watches the queue while events are late, and says when they no longer are.
#[derive(Debug)]
pub struct Backlog {
    queue: Arc<dyn Queue>,
    lateness: Lateness,
}

/// How long the queue has held events while nothing else is wrong.
#[derive(Debug, Default)]
struct Stuck {
    since: Option<Instant>,
    is_told: bool,
}

impl Stuck {
    fn note(&mut self, is_stuck: bool) {
        if !is_stuck {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= Backlog::STUCK_AFTER && !self.is_told {
            self.is_told = true;
            tracing::warn!(
                incident = "queue-late",
                "events wait in the queue, and for a minute nobody has brought one into the log"
            );
        }
    }
}

impl Backlog {
    /// How long there must be no sign of a late event; a queue counts late, too.
    const QUIET: Duration = Duration::from_secs(3);

    /// How long the queue may hold events that nobody brings into the log, though both answer.
    const STUCK_AFTER: Duration = Duration::from_mins(1);

    /// A watch over this queue, which settles `lateness`.
    pub fn new(queue: Arc<dyn Queue>, lateness: Lateness) -> Self {
        Self { queue, lateness }
    }

    /// Watches until it is told to stop. The queue is asked at the start, and then only while something is late.
    pub async fn run(self, stop: CancellationToken) {
        // What waits there since before this process may be late; nobody but the queue knows.
        if stop.run_until_cancelled(self.is_behind()).await == Some(true) {
            self.lateness.suspect();
        }
        let watch = async {
            let mut told = Stretch::default();
            loop {
                self.lateness.differs_from(false).await;
                metrics::gauge!("hookwire_late").set(1);
                if told.again(Instant::now().into_std()).is_some() {
                    tracing::warn!(
                        "events may come late: the log did not answer, or the queue has some that it lacks"
                    );
                }
                let mut stuck = Stuck::default();
                while self.lateness.is_late() {
                    self.settle(&mut stuck).await;
                }
                metrics::gauge!("hookwire_late").set(0);
                let over = told.over_however_short(Instant::now().into_std());
                let duration_ms = over.map(|over| over.duration_ms());
                if stuck.is_told {
                    let resolved = true;
                    tracing::info!(
                        incident = "queue-late",
                        resolved,
                        duration_ms,
                        "no event is late any more"
                    );
                } else if over.is_some() {
                    tracing::info!(duration_ms, "no event is late any more");
                }
            }
        };
        stop.run_until_cancelled(watch).await;
    }

    async fn settle(&self, stuck: &mut Stuck) {
        let signs = self.lateness.signs();
        sleep(Self::QUIET).await;
        if self.lateness.signs() != signs {
            // The log did not answer just now, which others tell of, or an event has come out of the queue.
            stuck.note(false);
            return;
        }
        match self.depth().await {
            Some(depth) if !depth.is_behind() => self.lateness.settle(signs),
            depth => stuck.note(depth.is_some()),
        }
    }

    async fn is_behind(&self) -> bool {
        self.depth().await.is_none_or(Depth::is_behind)
    }

    /// What the queue holds; nothing when it does not say so.
    async fn depth(&self) -> Option<Depth> {
        let depth = self.queue.depth().await;
        depth
            .inspect_err(|error| {
                tracing::debug!(error, "could not ask the queue how much it holds");
            })
            .ok()
    }
}

impl Depth {
    /// Whether more waits than what is just passing through.
    ///
    /// A mirrored event waits for its delay and then for its turn. As many as came in an eighth of the delay may be on
    /// their turn now; without any, nothing may.
    #[must_use]
    pub fn is_behind(self) -> bool {
        self.waiting + self.in_flight > self.delayed / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_through_is_no_backlog() {
        let depth = |waiting, in_flight, delayed| Depth { waiting, in_flight, delayed };
        assert!(!depth(0, 0, 0).is_behind());
        assert!(depth(1, 0, 0).is_behind());
        assert!(depth(0, 1, 7).is_behind());
        assert!(!depth(40, 20, 12_000).is_behind());
        assert!(depth(90_000, 20, 12_000).is_behind());
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_is_stuck_when_for_a_minute_nothing_else_was_wrong() {
        let mut stuck = Stuck::default();
        for _ in 0..100 {
            stuck.note(true);
            sleep(Duration::from_secs(50)).await;
            stuck.note(true);
            stuck.note(false);
        }
        assert!(!stuck.is_told);
        stuck.note(true);
        sleep(Duration::from_secs(60)).await;
        stuck.note(true);
        assert!(stuck.is_told);
    }
}
