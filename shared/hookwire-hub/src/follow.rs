use std::sync::Arc;
use std::time::{Duration, Instant};

use hookwire_event::{Position, Topic};
use hookwire_log::{Gap, ReadError, Start};
use tokio::sync::watch;

use crate::feed::Feed;
use crate::ring::Found;
use crate::standing::Follower;
use crate::{Delivery, Run};

/// Pause before a log that did not answer, or not yet, is asked again.
pub(crate) const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// What a session knows of one of its topics.
#[derive(Debug)]
pub(crate) struct Follow {
    feed: Arc<Feed>,
    changes: watch::Receiver<()>,
    pub(crate) place: Place,
    follower: Follower,
}

/// Where a session stands in one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It has no position yet.
    Start(Start),
    /// The client brought a position that cannot be read; it is told so and gets everything kept.
    Unreadable,
    /// The client brought this position, and nothing has confirmed it.
    Claimed(Position),
    /// The log or its ring has confirmed this position.
    Known(Position),
}

impl Follow {
    pub(crate) fn new(feed: Arc<Feed>, place: Place) -> Self {
        let (changes, follower) = (feed.changes(), feed.join());
        Self { feed, changes, place, follower }
    }

    pub(crate) fn topic(&self) -> &Topic {
        self.feed.topic()
    }

    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// What the ring says of what follows this topic's place.
    pub(crate) fn now(&mut self) -> Found {
        let Place::Known(position) = self.place else { return Found::Elsewhere };
        let found = self.feed.after(position, true, self.follower);
        if let Found::Run(run) = &found {
            self.feed.tally().hit();
            self.stand_after(run);
        }
        found
    }

    /// Finds the position to begin at; the gap to tell of if the client's own could not be read.
    pub(crate) async fn find_place(&mut self) -> Result<Option<Gap>, Unavailable> {
        self.feed.watched().await?;
        let (start, unreadable) = match self.place {
            Place::Start(start) => (start, false),
            Place::Unreadable => (Start::Earliest, true),
            Place::Claimed(_) | Place::Known(_) => return Ok(None),
        };
        let resumed_at = self.feed.log().locate(self.feed.topic(), start).await?;
        self.place = Place::Known(resumed_at);
        Ok(unreadable.then(|| Gap::reset(resumed_at)))
    }

    /// What follows this topic's place, or nothing at its head.
    pub(crate) async fn next(&mut self, index: usize) -> Result<Option<Delivery>, Unavailable> {
        loop {
            let (position, known) = match self.place {
                Place::Known(position) => (position, true),
                Place::Claimed(position) => (position, false),
                Place::Start(_) | Place::Unreadable => return Ok(None),
            };
            // Before the ring is asked, or a frame that comes in between would wake nobody.
            self.changes.mark_unchanged();
            match self.feed.after(position, known, self.follower) {
                Found::Run(run) => {
                    self.feed.tally().hit();
                    return Ok(Some(self.take(index, run)));
                }
                Found::AtHead => {
                    self.place = Place::Known(position);
                    return Ok(None);
                }
                Found::Elsewhere => {}
            }
            self.feed.tally().miss();
            let asked = Instant::now();
            let backfill = self.feed.backfill(position).await?;
            self.feed.tally().backfilled(backfill.run.frames().len(), asked);
            if let Some(gap) = backfill.gap {
                self.place = Place::Known(gap.resumed_at);
                return Ok(Some(Delivery::Gap(index, gap, Some(position))));
            }
            if backfill.run.last().is_some() {
                return Ok(Some(self.take(index, Arc::clone(&backfill.run))));
            }
            self.place = Place::Known(position);
            self.feed.settle(position, &backfill);
            if matches!(self.feed.after(position, true, self.follower), Found::Elsewhere) {
                // The ring is ahead of a log that does not show what was published: give it a moment.
                tokio::time::sleep(SHORTEST_PAUSE).await;
            }
        }
    }

    fn take(&mut self, index: usize, run: Arc<Run>) -> Delivery {
        self.stand_after(&run);
        Delivery::Run(index, run)
    }

    fn stand_after(&mut self, run: &Run) {
        if let Some(last) = run.last() {
            self.place = Place::Known(last);
        }
    }

    pub(crate) async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The sender lives in the feed, which this follow holds.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.feed.leave(self.follower);
    }
}

/// The log did not answer a read.
pub(crate) struct Unavailable;

impl From<ReadError> for Unavailable {
    fn from(error: ReadError) -> Self {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a session could not read the log"
        );
        Self
    }
}

impl From<Arc<ReadError>> for Unavailable {
    fn from(_already_logged_by_the_reader: Arc<ReadError>) -> Self {
        Self
    }
}
