use std::sync::{Arc, PoisonError, Weak};

use hookwire_event::Topic;
use hookwire_log::{Lateness, Log};
use hookwire_traces::Tracer;

use crate::encoder::Encoder;
use crate::feed::{Feed, Feeds};
use crate::{Codec, Place, RingLimit, Session};

/// The followed topics of a process, for one transport.
#[derive(Debug)]
pub struct Hub {
    log: Arc<dyn Log>,
    codec: Arc<dyn Codec>,
    limit: RingLimit,
    lateness: Lateness,
    tracer: Tracer,
    feeds: Feeds,
}

impl Hub {
    /// A hub over a log; nothing is read until somebody follows.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, codec: Arc<dyn Codec>, limit: RingLimit) -> Self {
        let (lateness, tracer) = (Lateness::default(), Tracer::default());
        Self { log, codec, limit, lateness, tracer, feeds: Feeds::default() }
    }

    /// Has every session tell when events come late.
    #[must_use]
    pub fn with_lateness(self, lateness: Lateness) -> Self {
        Self { lateness, ..self }
    }

    /// Has deliveries recorded in the traces of their events.
    #[must_use]
    pub fn with_tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
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

    fn feed(&self, topic: Topic) -> Arc<Feed> {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(&topic).and_then(Weak::upgrade) {
            return feed;
        }
        let (log, feeds_of_all) = (Arc::clone(&self.log), Arc::clone(&self.feeds));
        let encoder = Encoder { codec: Arc::clone(&self.codec), tracer: self.tracer.clone() };
        let feed = Arc::new(Feed::new(topic.clone(), log, encoder, self.limit, feeds_of_all));
        feeds.insert(topic, Arc::downgrade(&feed));
        feed
    }
}
