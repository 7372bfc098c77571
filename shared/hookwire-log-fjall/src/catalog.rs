use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use hookwire_event::Topic;
use hookwire_log::Extent;

use crate::keyspaces::{Keyspaces, number, numbers};

/// Which topics there are and what is kept of each: in memory, loaded at the start, changed after each commit.
#[derive(Debug, Default)]
pub(crate) struct Catalog(RwLock<HashMap<Topic, TopicState>>);

/// What is known of one topic without reading its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicState {
    /// Number that stands for the name in keys.
    pub(crate) id: u64,
    pub(crate) extent: Extent,
    /// Bytes ever appended before the oldest entry kept, and before the next one.
    pub(crate) first_bytes: u64,
    pub(crate) next_bytes: u64,
    /// When the oldest entry kept was appended; no later than in truth.
    pub(crate) first_at_ms: u64,
    pub(crate) last_at_ms: u64,
}

impl TopicState {
    pub(crate) fn new(id: u64, generation: u64) -> Self {
        let extent = Extent::empty(generation);
        Self { id, extent, first_bytes: 0, next_bytes: 0, first_at_ms: 0, last_at_ms: 0 }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        numbers(&[
            self.id,
            self.extent.first,
            self.extent.next,
            self.first_bytes,
            self.next_bytes,
            self.first_at_ms,
            self.last_at_ms,
        ])
    }

    fn decode(generation: u64, bytes: &[u8]) -> Option<Self> {
        Some(Self {
            id: number(bytes, 0)?,
            extent: Extent { generation, first: number(bytes, 1)?, next: number(bytes, 2)? },
            first_bytes: number(bytes, 3)?,
            next_bytes: number(bytes, 4)?,
            first_at_ms: number(bytes, 5)?,
            last_at_ms: number(bytes, 6)?,
        })
    }
}

impl Catalog {
    /// Reads every topic of the folder; `None` when one cannot be read.
    pub(crate) fn load(keyspaces: &Keyspaces, generation: u64) -> fjall::Result<Option<Self>> {
        let mut topics = HashMap::new();
        for guard in keyspaces.topics.iter() {
            let (name, value) = guard.into_inner()?;
            let topic = std::str::from_utf8(&name).ok().and_then(|name| Topic::restore(name).ok());
            let (Some(topic), Some(state)) = (topic, TopicState::decode(generation, &value)) else {
                return Ok(None);
            };
            topics.insert(topic, state);
        }
        Ok(Some(Self(RwLock::new(topics))))
    }

    pub(crate) fn get(&self, topic: &Topic) -> Option<TopicState> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(topic).copied()
    }

    pub(crate) fn set(&self, changed: impl IntoIterator<Item = (Topic, TopicState)>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(changed);
    }

    pub(crate) fn all(&self) -> Vec<(Topic, TopicState)> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.iter().map(|(topic, state)| (topic.clone(), *state)).collect()
    }

    /// The smallest number that no topic has.
    pub(crate) fn next_id(&self) -> u64 {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.values().map(|state| state.id + 1).max().unwrap_or(1)
    }
}
