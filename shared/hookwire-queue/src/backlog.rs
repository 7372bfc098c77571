use std::sync::Arc;
use std::time::Duration;

use hookwire_log::Lateness;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{Depth, Queue};

/// Watches the queue while events are late, and says when they no longer are.
#[derive(Debug)]
pub struct Backlog {
    queue: Arc<dyn Queue>,
    lateness: Lateness,
}

impl Backlog {
    /// How long there must be no sign of a late event; a queue counts late, too.
    const QUIET: Duration = Duration::from_secs(3);

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
            loop {
                self.lateness.differs_from(false).await;
                metrics::gauge!("hookwire_late").set(1);
                tracing::warn!(
                    "events may come late: the log did not answer, or the queue has some that it lacks"
                );
                while self.lateness.is_late() {
                    self.settle().await;
                }
                metrics::gauge!("hookwire_late").set(0);
                tracing::info!("no event is late any more");
            }
        };
        stop.run_until_cancelled(watch).await;
    }

    async fn settle(&self) {
        let signs = self.lateness.signs();
        sleep(Self::QUIET).await;
        if self.lateness.signs() == signs && !self.is_behind().await {
            self.lateness.settle(signs);
        }
    }

    async fn is_behind(&self) -> bool {
        match self.queue.depth().await {
            Ok(depth) => depth.is_behind(),
            Err(error) => {
                tracing::debug!(error, "could not ask the queue how much it holds");
                true
            }
        }
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
}
