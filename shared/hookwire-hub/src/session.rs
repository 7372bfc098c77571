use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use hookwire_event::{Position, Topic};
use hookwire_log::{Gap, GapReason, ReadError, Start};
use tokio::sync::watch;

use crate::Run;
use crate::feed::Feed;
use crate::ring::Found;

/// The loop that serves one connection: what follows its cursor?
#[derive(Debug)]
pub struct Session {
    follows: Vec<Follow>,
    /// The topic that is asked first, so that a busy one does not starve the others.
    turn: usize,
    primed: bool,
    /// Failed reads in a row.
    failures: u32,
    degraded: bool,
    waiting: VecDeque<Delivery>,
}

#[derive(Debug)]
struct Follow {
    feed: Arc<Feed>,
    changes: watch::Receiver<()>,
    place: Place,
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

/// What a connection is to send next.
#[derive(Debug)]
pub enum Delivery {
    /// Every topic has its position: the cursor is complete.
    Primed,
    /// Frames of the topic with this index.
    Run(usize, Arc<Run>),
    /// A gap in the topic with this index; with what was asked for, if that could be read.
    Gap(usize, Gap, Option<Position>),
    /// The log does not answer; what is appended meanwhile comes late.
    Degraded,
    /// The log answers again.
    Recovered,
}

impl Session {
    const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
    const LONGEST_PAUSE: Duration = Duration::from_secs(3);

    pub(crate) fn new(follows: impl Iterator<Item = (Arc<Feed>, Place)>) -> Self {
        let follow = |(feed, place): (Arc<Feed>, Place)| {
            let changes = feed.changes();
            Follow { feed, changes, place }
        };
        Self {
            follows: follows.map(follow).collect(),
            turn: 0,
            primed: false,
            failures: 0,
            degraded: false,
            waiting: VecDeque::new(),
        }
    }

    /// The topic with this index, in the order in which they were given.
    #[must_use]
    pub fn topic(&self, index: usize) -> Option<&Topic> {
        self.follows.get(index).map(|follow| follow.feed.topic())
    }

    /// The position in each topic after everything delivered so far; `None` before it is known.
    pub fn positions(&self) -> impl Iterator<Item = (&Topic, Option<Position>)> {
        self.follows.iter().map(|follow| {
            let position = match follow.place {
                Place::Claimed(position) | Place::Known(position) => Some(position),
                Place::Start(_) | Place::Unreadable => None,
            };
            (follow.feed.topic(), position)
        })
    }

    /// Waits for the next delivery; the positions then stand after it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, nothing is lost: the next call finds the same.
    pub async fn next(&mut self) -> Delivery {
        loop {
            match self.step().await {
                Ok(Step::Deliver(delivery)) => return self.after_success(delivery),
                Ok(Step::AtHead) if self.degraded => {
                    self.degraded = false;
                    return Delivery::Recovered;
                }
                Ok(Step::AtHead) => {
                    self.failures = 0;
                    self.changed().await;
                }
                Err(Unavailable) if !self.degraded => {
                    self.degraded = true;
                    return Delivery::Degraded;
                }
                Err(Unavailable) => {
                    self.failures = self.failures.saturating_add(1);
                    let doubled = Self::SHORTEST_PAUSE.saturating_mul(1 << self.failures.min(10));
                    tokio::time::sleep(doubled.min(Self::LONGEST_PAUSE)).await;
                }
            }
        }
    }

    fn after_success(&mut self, delivery: Delivery) -> Delivery {
        self.failures = 0;
        if std::mem::take(&mut self.degraded) {
            self.waiting.push_front(delivery);
            return Delivery::Recovered;
        }
        delivery
    }

    async fn step(&mut self) -> Result<Step, Unavailable> {
        if let Some(delivery) = self.waiting.pop_front() {
            return Ok(Step::Deliver(delivery));
        }
        if !self.primed {
            self.find_places().await?;
            self.primed = true;
            return Ok(Step::Deliver(Delivery::Primed));
        }
        let topics = self.follows.len();
        for index in (0..topics).map(|n| (self.turn + n) % topics) {
            let Some(follow) = self.follows.get_mut(index) else {
                continue;
            };
            if let Some(delivery) = follow.next(index).await? {
                self.turn = index + 1;
                return Ok(Step::Deliver(delivery));
            }
        }
        Ok(Step::AtHead)
    }

    async fn find_places(&mut self) -> Result<(), Unavailable> {
        for (index, follow) in self.follows.iter_mut().enumerate() {
            follow.feed.watched().await?;
            let (start, unreadable) = match follow.place {
                Place::Start(start) => (start, false),
                Place::Unreadable => (Start::Earliest, true),
                Place::Claimed(_) | Place::Known(_) => continue,
            };
            let position = follow.feed.log().locate(follow.feed.topic(), start).await?;
            follow.place = Place::Known(position);
            if unreadable {
                let (reason, resumed_at) = (GapReason::Reset, position);
                let gap = Gap { reason, missed: None, certain: false, resumed_at };
                self.waiting.push_back(Delivery::Gap(index, gap, None));
            }
        }
        Ok(())
    }

    async fn changed(&mut self) {
        if let [only] = self.follows.as_mut_slice() {
            return only.changed().await;
        }
        let mut changes: Vec<_> =
            self.follows.iter_mut().map(|follow| Box::pin(follow.changed())).collect();
        if changes.is_empty() {
            return std::future::pending().await;
        }
        pin!(select_all(changes.drain(..))).await;
    }
}

impl Follow {
    /// What follows this topic's place, or nothing at its head.
    async fn next(&mut self, index: usize) -> Result<Option<Delivery>, Unavailable> {
        loop {
            let (position, known) = match self.place {
                Place::Known(position) => (position, true),
                Place::Claimed(position) => (position, false),
                Place::Start(_) | Place::Unreadable => return Ok(None),
            };
            // Before the ring is asked, or a frame that comes in between would wake nobody.
            self.changes.mark_unchanged();
            match self.feed.after(position, known) {
                Found::Run(run) => return Ok(Some(self.take(index, run))),
                Found::AtHead => {
                    self.place = Place::Known(position);
                    return Ok(None);
                }
                Found::Elsewhere => {}
            }
            let backfill = self.feed.backfill(position).await?;
            if let Some(gap) = backfill.gap {
                self.place = Place::Known(gap.resumed_at);
                return Ok(Some(Delivery::Gap(index, gap, Some(position))));
            }
            if backfill.run.last().is_some() {
                return Ok(Some(self.take(index, Arc::clone(&backfill.run))));
            }
            self.place = Place::Known(position);
            self.feed.settle(position);
            if matches!(self.feed.after(position, true), Found::Elsewhere) {
                // The ring is ahead of a log that does not show what was published: give it a moment.
                tokio::time::sleep(Session::SHORTEST_PAUSE).await;
            }
        }
    }

    fn take(&mut self, index: usize, run: Arc<Run>) -> Delivery {
        if let Some(last) = run.last() {
            self.place = Place::Known(last);
        }
        Delivery::Run(index, run)
    }

    async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The sender lives in the feed, which this follow holds.
            std::future::pending::<()>().await;
        }
    }
}

enum Step {
    Deliver(Delivery),
    AtHead,
}

/// The log did not answer a read.
struct Unavailable;

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
