use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{select, select_all};
use hookwire_event::{Position, Topic};
use hookwire_log::Lateness;

use crate::feed::Feed;
use crate::follow::{Follow, Place, SHORTEST_PAUSE, Unavailable};
use crate::ring::Found;
use crate::{Delivery, Run};

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
    lateness: Lateness,
    waiting: VecDeque<Delivery>,
}

impl Session {
    const LONGEST_PAUSE: Duration = Duration::from_secs(3);

    pub(crate) fn new(
        follows: impl Iterator<Item = (Arc<Feed>, Place)>,
        lateness: Lateness,
    ) -> Self {
        Self {
            follows: follows.map(|(feed, place)| Follow::new(feed, place)).collect(),
            turn: 0,
            primed: false,
            failures: 0,
            degraded: false,
            lateness,
            waiting: VecDeque::new(),
        }
    }

    /// The topic with this index, in the order in which they were given.
    #[must_use]
    pub fn topic(&self, index: usize) -> Option<&Topic> {
        self.follows.get(index).map(|follow| follow.topic())
    }

    /// The position in each topic after everything delivered so far; `None` before it is known.
    pub fn positions(&self) -> impl Iterator<Item = (&Topic, Option<Position>)> {
        self.follows.iter().map(|follow| {
            let position = match follow.place {
                Place::Claimed(position) | Place::Known(position) => Some(position),
                Place::Start(_) | Place::Unreadable => None,
            };
            (follow.topic(), position)
        })
    }

    /// What it follows, in the order of its topics.
    pub fn feeds(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.follows.iter().map(Follow::feed)
    }

    /// What the rings have for it, without waiting. Whoever asks hangs a bell on its [`feeds`](Self::feeds) before.
    pub fn now(&mut self) -> Now {
        // Whatever is to be told beside events, `next` tells.
        if !self.primed || self.degraded != self.lateness.is_late() || !self.waiting.is_empty() {
            return Now::Ask;
        }
        let topics = self.follows.len();
        let mut answer = Now::Nothing;
        for n in 0..topics {
            let index = (self.turn + n) % topics;
            let Some(follow) = self.follows.get_mut(index) else { continue };
            match follow.now() {
                Found::Run(run) => {
                    self.turn = index + 1;
                    return Now::Run(index, run);
                }
                Found::AtHead => {}
                Found::Elsewhere => answer = Now::Ask,
            }
        }
        answer
    }

    /// Waits for the next delivery; the positions then stand after it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, nothing is lost: the next call finds the same.
    pub async fn next(&mut self) -> Delivery {
        loop {
            let lateness = self.lateness.clone();
            let late = lateness.is_late();
            if let Some(delivery) = self.ask().await {
                return delivery;
            }
            let settled = pin!(lateness.differs_from(late));
            let _either = select(pin!(self.changed()), settled).await;
        }
    }

    /// The next delivery, or `None` when there is none so far. Only for the log, which may be away, it waits.
    ///
    /// # Cancel safety
    ///
    /// As [`Self::next`].
    pub async fn ask(&mut self) -> Option<Delivery> {
        loop {
            let late = self.lateness.is_late();
            // A stream without a cursor is told of nothing else.
            if late && self.primed && !self.degraded {
                self.degraded = true;
                return Some(Delivery::Degraded);
            }
            match self.step().await {
                Ok(Step::Deliver(delivery)) => return Some(delivery),
                // Only now has every topic been read.
                Ok(Step::AtHead) if self.degraded && !late => {
                    self.degraded = false;
                    return Some(Delivery::Recovered);
                }
                Ok(Step::AtHead) => {
                    self.failures = 0;
                    return None;
                }
                Err(Unavailable) if !self.degraded => {
                    self.lateness.suspect();
                    self.degraded = true;
                    return Some(Delivery::Degraded);
                }
                Err(Unavailable) => {
                    self.lateness.suspect();
                    self.failures = self.failures.saturating_add(1);
                    let doubled = SHORTEST_PAUSE.saturating_mul(1 << self.failures.min(10));
                    // A change in another topic is not kept waiting.
                    let pause =
                        tokio::time::timeout(doubled.min(Self::LONGEST_PAUSE), self.changed());
                    let _either = pause.await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Step, Unavailable> {
        if !self.primed {
            self.find_places().await?;
            self.primed = true;
            // In front of what was found on the way: without a cursor nothing else can be told.
            self.waiting.push_front(Delivery::Primed);
        }
        if let Some(delivery) = self.waiting.pop_front() {
            return Ok(Step::Deliver(delivery));
        }
        let (topics, mut answer) = (self.follows.len(), Ok(Step::AtHead));
        for index in (0..topics).map(|n| (self.turn + n) % topics) {
            let Some(follow) = self.follows.get_mut(index) else { continue };
            match follow.next(index).await {
                Ok(Some(delivery)) => {
                    self.turn = index + 1;
                    return Ok(Step::Deliver(delivery));
                }
                Ok(None) => {}
                // The other topics may be read all the same.
                Err(unavailable) => answer = Err(unavailable),
            }
        }
        answer
    }

    async fn find_places(&mut self) -> Result<(), Unavailable> {
        for (index, follow) in self.follows.iter_mut().enumerate() {
            if let Some(gap) = follow.find_place().await? {
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

/// What a session has without waiting.
#[derive(Debug)]
pub enum Now {
    /// Frames of the topic with this index, as [`Delivery::Run`].
    Run(usize, Arc<Run>),
    /// Nothing so far.
    Nothing,
    /// Something that [`Session::next`] has to tell, or to ask the log for.
    Ask,
}

enum Step {
    Deliver(Delivery),
    AtHead,
}
