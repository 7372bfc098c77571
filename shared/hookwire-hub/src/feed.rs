use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use hookwire_event::{Position, Topic};
use hookwire_log::{Entry, Gap, Listener, Log, PageLimit, ReadError, Watch};
use tokio::sync::{OnceCell, watch};

use crate::bell::{Bell, Bells};
use crate::encoder::Encoder;
use crate::ring::{Found, Ring, Turn};
use crate::standing::Follower;
use crate::tally::Tally;
use crate::{RingLimit, Run};

/// A followed topic: its ring, and the way to its log.
pub struct Feed {
    topic: Topic,
    log: Arc<dyn Log>,
    tape: Arc<Tape>,
    watch: OnceCell<Watch>,
    reading: Mutex<HashMap<Position, WeakShared<Read>>>,
    feeds: Feeds,
    tally: Tally,
}

/// The feeds that somebody holds; the last holder's drop takes its feed out.
pub(crate) type Feeds = Arc<Mutex<HashMap<Topic, Weak<Feed>>>>;

type Read = BoxFuture<'static, Result<Arc<Backfill>, Arc<ReadError>>>;

/// A page of the log, encoded.
#[derive(Debug)]
pub(crate) struct Backfill {
    pub(crate) gap: Option<Gap>,
    pub(crate) run: Arc<Run>,
    /// How far the ring had come before the log was read.
    seen: Turn,
}

/// What the log writes to and sessions read from.
#[derive(Debug)]
struct Tape {
    encoder: Encoder,
    ring: Mutex<Ring>,
    changed: watch::Sender<()>,
    bells: Bells,
}

impl Tape {
    fn tell(&self) {
        self.changed.send_replace(());
        self.bells.ring();
    }
}

impl Listener for Tape {
    fn published(&self, entries: &[Entry]) {
        let encoded: Vec<_> =
            entries.iter().map(|entry| (entry.previous, self.encoder.heard(entry))).collect();
        let mut handing_out = Vec::new();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        for (previous, (frame, span)) in encoded {
            ring.push(previous, frame);
            handing_out.extend(span);
        }
        drop(ring);
        // Once per batch: waking every session for every event would cost more than the events.
        self.tell();
    }

    fn interrupted(&self) {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).lose();
        self.tell();
    }
}

impl Feed {
    pub(crate) fn new(
        topic: Topic,
        log: Arc<dyn Log>,
        encoder: Encoder,
        limit: RingLimit,
        feeds: Feeds,
        tally: Tally,
    ) -> Self {
        let ring = Mutex::new(Ring::new(limit));
        let (changed, bells) = (watch::Sender::new(()), Bells::default());
        let tape = Arc::new(Tape { encoder, ring, changed, bells });
        Self { topic, log, tape, watch: OnceCell::new(), reading: Mutex::default(), feeds, tally }
    }

    pub(crate) fn topic(&self) -> &Topic {
        &self.topic
    }

    /// Has a bell rung whenever something may follow, until it is taken off again.
    pub fn hang(&self, bell: Arc<dyn Bell>) {
        self.tape.bells.hang(bell);
    }

    /// Takes a bell off that was hung.
    pub fn take_off(&self, bell: &Arc<dyn Bell>) {
        self.tape.bells.take_off(bell);
    }

    pub(crate) fn log(&self) -> &dyn Log {
        &*self.log
    }

    /// Tells when something may follow that did not before.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.tape.changed.subscribe()
    }

    /// Makes sure that publishes are heard. Nothing may be read before: an event appended between a read and a watch
    /// would be lost.
    pub(crate) async fn watched(&self) -> Result<(), ReadError> {
        let listener = Arc::clone(&self.tape) as Arc<dyn Listener>;
        self.watch.get_or_try_init(|| self.log.watch(&self.topic, listener)).await?;
        Ok(())
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn join(&self) -> Follower {
        self.ring().standing.join()
    }

    pub(crate) fn leave(&self, follower: Follower) {
        self.ring().standing.leave(follower);
    }

    /// What follows a position, which is where this follower stands.
    pub(crate) fn after(&self, position: Position, known: bool, follower: Follower) -> Found {
        let mut ring = self.ring();
        ring.standing.note(follower, position.k);
        ring.after(position, known)
    }

    /// How far the follower that is furthest behind is from the head.
    pub(crate) fn slowest_lag(&self) -> u64 {
        self.ring().slowest_lag()
    }

    /// Notes that `tail` was the log's tail when `backfill` was read.
    pub(crate) fn settle(&self, tail: Position, backfill: &Backfill) {
        self.ring().settle(tail, backfill.seen);
    }

    /// Reads the log after a position; all who ask for the same place at once share one read.
    pub(crate) async fn backfill(&self, after: Position) -> Result<Arc<Backfill>, Arc<ReadError>> {
        let reading = {
            let mut readings = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
            // Held weakly, a read ends with the last session that waits for it, and so does its page.
            readings.retain(|_, reading| reading.upgrade().is_some_and(|one| one.peek().is_none()));
            match readings.get(&after).and_then(WeakShared::upgrade) {
                Some(reading) => reading,
                None => {
                    let reading = self.read(after);
                    readings.extend(reading.downgrade().map(|weak| (after, weak)));
                    reading
                }
            }
        };
        reading.await
    }

    fn read(&self, after: Position) -> Shared<Read> {
        let (log, topic) = (Arc::clone(&self.log), self.topic.clone());
        let encoder = self.tape.encoder.clone();
        let seen = self.ring().turn();
        let read = async move {
            let page = log.read_after(&topic, after, PageLimit::BACKFILL).await?;
            let frames = page.entries.iter().map(|entry| encoder.read(entry)).collect();
            Ok(Arc::new(Backfill { gap: page.gap, run: Arc::new(Run::new(frames)), seen }))
        };
        read.map(|page: Result<_, ReadError>| page.map_err(Arc::new)).boxed().shared()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.tape.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        // A new feed of the topic may stand there already.
        if feeds.get(&self.topic).is_some_and(|feed| feed.strong_count() == 0) {
            feeds.remove(&self.topic);
        }
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("topic", &self.topic).finish_non_exhaustive()
    }
}
