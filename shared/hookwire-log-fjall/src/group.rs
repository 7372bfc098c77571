use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fjall::PersistMode;
use hookwire_event::{Event, Position, Topic, encode_record};
use hookwire_log::{Accepted, AppendError, Appended, BoxError, Entry};

use crate::catalog::TopicState;
use crate::keyspaces::{entry_key, mark_key, number, numbers};
use crate::{Store, failed};

/// Appends and trims that become durable together.
pub(crate) struct Group<'a> {
    store: &'a Store,
    next_topic: &'a mut u64,
    batch: fjall::OwnedWriteBatch,
    now_ms: u64,
    topics: HashMap<Topic, TopicState>,
    marks: HashMap<Vec<u8>, Position>,
    added: HashMap<(u64, u64), Meta>,
    entries: Vec<(Topic, Vec<Entry>)>,
}

/// What the retention looks at in an entry.
#[derive(Clone, Copy)]
struct Meta {
    bytes_before: u64,
    at_ms: u64,
}

impl<'a> Group<'a> {
    pub(crate) fn new(store: &'a Store, next_topic: &'a mut u64) -> Self {
        Self {
            store,
            next_topic,
            batch: store.keyspaces.db.batch().durability(Some(PersistMode::SyncData)),
            now_ms: store.clock.now_ms(),
            topics: HashMap::new(),
            marks: HashMap::new(),
            added: HashMap::new(),
            entries: Vec::new(),
        }
    }

    /// Puts an event into the group, unless it is there or was appended before.
    pub(crate) fn add(
        &mut self,
        event: Event,
        accepted: Accepted,
    ) -> Result<Appended, AppendError> {
        let record = encode_record(&event);
        let size_bytes = record.len() as u64;
        let limit_bytes = self.store.retention.bytes;
        if size_bytes > limit_bytes {
            return Err(AppendError::TooLarge { size_bytes, limit_bytes });
        }
        if self.store.failed.load(Ordering::Acquire) {
            return Err(AppendError::Unavailable(failed()));
        }
        let mut state = self.state(&event.topic);
        let mark = mark_key(state.id, &event.source, &event.id);
        if let Some(position) = self.seen(&mark, state.extent.generation)? {
            return Ok(Appended::Duplicate(position));
        }
        let position = self.push(&mut state, &record);
        self.batch.insert(
            &self.store.keyspaces.seen,
            mark.clone(),
            numbers(&[position.k, self.now_ms]),
        );
        self.marks.insert(mark, position);
        if let Err(error) = self.trim_over(&mut state) {
            // The topic stays longer than it should; the event is as good as any.
            self.untrimmed(&event.topic, &error);
        }
        self.topics.insert(event.topic.clone(), state);
        self.published(event, position, accepted);
        Ok(Appended::New(position))
    }

    fn state(&mut self, topic: &Topic) -> TopicState {
        let known = self.topics.get(topic).copied().or_else(|| self.store.catalog.get(topic));
        known.unwrap_or_else(|| {
            let state = TopicState::new(*self.next_topic, self.store.generation);
            *self.next_topic += 1;
            // Kept even if this append turns out to be refused, so that its number is not given twice.
            self.topics.insert(topic.clone(), state);
            state
        })
    }

    fn seen(&self, mark: &[u8], generation: u64) -> Result<Option<Position>, AppendError> {
        if let Some(position) = self.marks.get(mark) {
            return Ok(Some(*position));
        }
        let unavailable = |error| AppendError::Unavailable(BoxError::from(error));
        let Some(value) = self.store.keyspaces.seen.get(mark).map_err(unavailable)? else {
            return Ok(None);
        };
        let (Some(k), Some(at_ms)) = (number(&value, 0), number(&value, 1)) else {
            return Ok(None);
        };
        let oldest_ms = self.store.retention.oldest_mark_ms(self.now_ms);
        Ok((at_ms >= oldest_ms).then(|| Position::new(generation, k)))
    }

    fn push(&mut self, state: &mut TopicState, record: &[u8]) -> Position {
        let k = state.extent.next;
        // A clock that goes back must not make a younger entry look older.
        let at_ms = state.last_at_ms.max(self.now_ms);
        let meta = Meta { bytes_before: state.next_bytes, at_ms };
        if state.extent.is_empty() {
            state.first_at_ms = at_ms;
        }
        state.next_bytes += record.len() as u64;
        state.last_at_ms = at_ms;
        state.extent.next += 1;
        self.added.insert((state.id, k), meta);
        let mut value = numbers(&[meta.bytes_before, meta.at_ms]);
        value.extend_from_slice(record);
        self.batch.insert(&self.store.keyspaces.entries, entry_key(state.id, k), value);
        Position::new(state.extent.generation, k)
    }

    fn published(&mut self, event: Event, position: Position, accepted: Accepted) {
        let topic = event.topic.clone();
        let entry = Entry {
            position,
            previous: position.previous(),
            event: Arc::new(event),
            accepted: Some(accepted),
        };
        match self.entries.iter_mut().find(|(one, _)| *one == topic) {
            Some((_, entries)) => entries.push(entry),
            None => self.entries.push((topic, vec![entry])),
        }
    }

    /// Drops the oldest entries while there are too many or they are too large.
    fn trim_over(&self, state: &mut TopicState) -> fjall::Result<()> {
        let retention = &self.store.retention;
        let by_count = state.extent.next.saturating_sub(retention.events.max(1));
        if by_count > state.extent.first {
            self.trim_to(state, by_count)?;
        }
        while state.next_bytes - state.first_bytes > retention.bytes && state.extent.len() > 1 {
            self.trim_to(state, state.extent.first + 1)?;
        }
        Ok(())
    }

    /// Drops entries of a topic that were appended before `oldest_ms`. A topic in which an entry cannot be read is
    /// left alone: what is not known to be old must not go.
    pub(crate) fn trim_older(&mut self, topic: Topic, mut state: TopicState, oldest_ms: u64) {
        let trimmed =
            self.first_young(&state, oldest_ms).and_then(|first| self.trim_to(&mut state, first));
        match trimmed {
            Ok(()) => {
                self.topics.insert(topic, state);
            }
            Err(error) => self.untrimmed(&topic, &error),
        }
    }

    fn untrimmed(&self, topic: &Topic, error: &fjall::Error) {
        if let Some(times) = self.store.told.untrimmed.again() {
            tracing::warn!(%error, topic.hash = %topic.hash(), times, "could not trim a topic");
        }
    }

    fn first_young(&self, state: &TopicState, oldest_ms: u64) -> fjall::Result<u64> {
        let (mut low, mut high) = (state.extent.first, state.extent.next);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.meta(state, middle)? {
                Some(meta) if meta.at_ms < oldest_ms => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    fn trim_to(&self, state: &mut TopicState, first: u64) -> fjall::Result<()> {
        match self.meta(state, first)? {
            Some(meta) => {
                state.first_bytes = meta.bytes_before;
                state.first_at_ms = meta.at_ms;
            }
            None if first == state.extent.next => state.first_bytes = state.next_bytes,
            None => {}
        }
        state.extent.first = first;
        Ok(())
    }

    fn meta(&self, state: &TopicState, k: u64) -> fjall::Result<Option<Meta>> {
        if let Some(meta) = self.added.get(&(state.id, k)) {
            return Ok(Some(*meta));
        }
        let value = self.store.keyspaces.entries.get(entry_key(state.id, k))?;
        let meta = |value: fjall::UserValue| {
            Some(Meta { bytes_before: number(&value, 0)?, at_ms: number(&value, 1)? })
        };
        Ok(value.and_then(meta))
    }

    /// Makes the group durable, then shows it to readers and listeners.
    pub(crate) fn commit(mut self) -> Result<(), ()> {
        if self.topics.is_empty() {
            return Ok(());
        }
        for (topic, state) in &self.topics {
            self.batch.insert(&self.store.keyspaces.topics, topic.as_str(), state.encode());
        }
        if let Err(error) = self.batch.commit() {
            if !self.store.failed.swap(true, Ordering::AcqRel) {
                metrics::gauge!("hookwire_log_writable").set(0);
                tracing::error!(incident = "log-broken", %error, "the embedded log cannot write; appends are refused until a restart");
            }
            return Err(());
        }
        for (topic, state) in &self.topics {
            let before = self.store.catalog.get(topic).map_or(0, |state| state.first_bytes);
            if state.first_bytes > before {
                let dead_bytes = state.first_bytes - before;
                self.store.reclaim.trimmed(state.id, state.extent.first, dead_bytes);
            }
        }
        // Readers first, then listeners: whoever hears of an entry can read it.
        self.store.catalog.set(self.topics);
        for (topic, entries) in &self.entries {
            self.store.watchers.publish(topic, entries);
        }
        Ok(())
    }
}
