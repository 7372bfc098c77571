use std::sync::{Arc, PoisonError, Weak};

use hookwire_event::Topic;
use hookwire_log::{Lateness, Log};

use crate::feed::{Feed, Feeds};
use crate::tally::Tally;
use crate::{Codec, Place, RingLimit, Session};

/// The followed topics of a process, for one transport.
#[derive(Debug)]
pub struct Hub {
    log: Arc<dyn Log>,
    codec: Arc<dyn Codec>,
    limit: RingLimit,
    lateness: Lateness,
    feeds: Feeds,
    tally: Tally,
}

impl Hub {
    /// A hub over a log; nothing is read until somebody follows.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, codec: Arc<dyn Codec>, limit: RingLimit) -> Self {
        let (lateness, feeds) = (Lateness::default(), Feeds::default());
        Self { log, codec, limit, lateness, feeds, tally: Tally::new() }
    }

    /// Has every session tell when events come late.
    #[must_use]
    pub fn with_lateness(self, lateness: Lateness) -> Self {
        Self { lateness, ..self }
    }

    /// A session that follows these topics, each from its place.
    #[must_use]
    pub fn session(&self, topics: impl IntoIterator<Item = (Topic, Place)>) -> Session {
        let follows = topics.into_iter().map(|(topic, place)| (self.feed(topic), place));
        Session::new(follows, self.lateness.clone())
    }

    /// How many topics are followed now.
    #[must_use]
    pub fn followed(&self) -> usize {
        let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.len()
    }

    /// How far the session that is furthest behind is from the head of its topic. One that is waited for counts, too.
    #[must_use]
    pub fn slowest_lag(&self) -> u64 {
        let feeds: Vec<_> = {
            let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
            feeds.values().filter_map(Weak::upgrade).collect()
        };
        // Not under the lock, which the last holder of a feed takes.
        feeds.iter().map(|feed| feed.slowest_lag()).max().unwrap_or_default()
    }

    fn feed(&self, topic: Topic) -> Arc<Feed> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&topic).and_then(Weak::upgrade) {
            return feed;
        }
        let (log, codec) = (Arc::clone(&self.log), Arc::clone(&self.codec));
        let (feeds_of, tally) = (Arc::clone(&self.feeds), self.tally.clone());
        let feed = Feed::new(topic.clone(), log, codec, self.limit, feeds_of, tally);
        let feed = Arc::new(feed);
        feeds.insert(topic, Arc::downgrade(&feed));
        feed
    }
}
