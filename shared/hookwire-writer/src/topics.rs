use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hookwire_hub::{Bell, Feed};
use slab::Slab;

use crate::door::{Door, Slot, TopicBell};

/// Who follows which topic at one writer.
#[derive(Debug)]
pub(crate) struct Topics {
    door: Arc<Door>,
    topics: Slab<Topic>,
    /// By the address of the feed, which is nobody else's as long as the topic holds it.
    by_feed: HashMap<usize, usize>,
}

#[derive(Debug)]
struct Topic {
    feed: Arc<Feed>,
    bell: Arc<TopicBell>,
    followers: Vec<Slot>,
    /// How many of them are gone, at least.
    gone: usize,
}

impl Topics {
    pub(crate) fn new(door: Arc<Door>) -> Self {
        Self { door, topics: Slab::new(), by_feed: HashMap::new() }
    }

    /// Has a connection looked after when something may follow in a topic.
    pub(crate) fn follow(&mut self, feed: &Arc<Feed>, slot: Slot) {
        let address = Arc::as_ptr(feed).addr();
        let number = *self.by_feed.entry(address).or_insert_with(|| {
            let entry = self.topics.vacant_entry();
            let (door, topic) = (Arc::clone(&self.door), entry.key());
            let bell = Arc::new(TopicBell { door, topic, rung: AtomicBool::new(false) });
            feed.hang(Arc::clone(&bell) as Arc<dyn Bell>);
            let (feed, followers) = (Arc::clone(feed), Vec::new());
            entry.insert(Topic { feed, bell, followers, gone: 0 });
            topic
        });
        if let Some(topic) = self.topics.get_mut(number) {
            topic.followers.push(slot);
        }
    }

    /// Notes that one who followed this is gone. The list is swept when half of them are, so that a thousand who leave at
    /// once do not each walk it.
    pub(crate) fn leave(&mut self, feed: &Arc<Feed>, is_there: impl Fn(Slot) -> bool) {
        let address = Arc::as_ptr(feed).addr();
        let Some(number) = self.by_feed.get(&address).copied() else { return };
        let Some(topic) = self.topics.get_mut(number) else { return };
        topic.gone += 1;
        if topic.gone * 2 > topic.followers.len() {
            topic.followers.retain(|slot| is_there(*slot));
            topic.followers.shrink_to(topic.followers.len() * 2);
            topic.gone = 0;
        }
        if topic.followers.is_empty() {
            let bell = Arc::clone(&topic.bell) as Arc<dyn Bell>;
            topic.feed.take_off(&bell);
            self.topics.remove(number);
            self.by_feed.remove(&address);
        }
    }

    /// How many follow a topic that rang, now that they are looked after.
    pub(crate) fn rang(&self, number: usize) -> usize {
        let Some(topic) = self.topics.get(number) else { return 0 };
        // Before they are, or what follows in between would ring for nobody.
        topic.bell.rung.store(false, Ordering::Release);
        topic.followers.len()
    }

    /// One of those who follow a topic.
    pub(crate) fn follower(&self, number: usize, index: usize) -> Option<Slot> {
        self.topics.get(number)?.followers.get(index).copied()
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        for (_, topic) in &self.topics {
            let bell = Arc::clone(&topic.bell) as Arc<dyn Bell>;
            topic.feed.take_off(&bell);
        }
    }
}
