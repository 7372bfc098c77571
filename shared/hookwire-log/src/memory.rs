use std::collections::hash_map::Entry as MapEntry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hookwire_event::{Event, EventId, Position, SourceUri, Topic, record_bytes};
use hookwire_telemetry::SharedStretch;

use crate::{
    Accepted, AppendError, Appended, BoxError, Clock, Entry, Extent, Listener, Log, NotReady, Page,
    PageLimit, Quarantine, Quarantined, ReadError, Retention, Start, Watch, Watchers,
};

/// A log that lives as long as its process: for tests, and for relays that may forget.
#[derive(Debug)]
pub struct MemoryLog {
    retention: Retention,
    clock: Clock,
    generation: u64,
    watchers: Watchers,
    state: Mutex<State>,
    /// Notifications that were dropped for newer ones.
    dropped: SharedStretch,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Topic, TopicLog>,
    seen: HashMap<Mark, (Position, u64)>,
    seen_order: VecDeque<(u64, Mark)>,
    quarantine: VecDeque<Quarantined>,
    quarantined: u64,
}

type Mark = (Topic, SourceUri, EventId);

#[derive(Debug)]
struct TopicLog {
    extent: Extent,
    stored: VecDeque<Stored>,
    bytes: u64,
}

#[derive(Debug)]
struct Stored {
    at_ms: u64,
    bytes: u64,
    event: Arc<Event>,
}

impl MemoryLog {
    /// Most notifications in the quarantine.
    const QUARANTINE: usize = 1_000;
    /// Most bytes of their bodies.
    const QUARANTINE_BYTES: usize = 64 * 1024 * 1024;

    /// An empty log; its generation is the clock's time.
    #[must_use]
    pub fn new(retention: Retention, clock: Clock) -> Self {
        let generation = clock.now_ms();
        Self {
            retention,
            clock,
            generation,
            watchers: Watchers::default(),
            state: Mutex::default(),
            dropped: SharedStretch::default(),
        }
    }

    /// Drops what the retention no longer keeps.
    pub fn sweep(&self) {
        let now_ms = self.clock.now_ms();
        let mut state = self.locked();
        for topic in state.topics.values_mut() {
            topic.trim(&self.retention, now_ms);
        }
        state.forget(self.retention.oldest_mark_ms(now_ms));
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Log for MemoryLog {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        let accepted = Accepted::now();
        let size_bytes = record_bytes(&event) as u64;
        if size_bytes > self.retention.bytes {
            return Err(AppendError::TooLarge { size_bytes, limit_bytes: self.retention.bytes });
        }
        let now_ms = self.clock.now_ms();
        let mut state = self.locked();
        state.forget(self.retention.oldest_mark_ms(now_ms));
        let State { topics, seen, seen_order, .. } = &mut *state;
        let mark = (event.topic.clone(), event.source.clone(), event.id.clone());
        let unseen = match seen.entry(mark) {
            MapEntry::Occupied(seen) => return Ok(Appended::Duplicate(seen.get().0)),
            MapEntry::Vacant(unseen) => unseen,
        };
        let topic = event.topic.clone();
        let log = topics.entry(topic.clone()).or_insert_with(|| TopicLog::new(self.generation));
        let entry = log.push(event, size_bytes, now_ms);
        log.trim(&self.retention, now_ms);
        let position = entry.position;
        seen_order.push_back((now_ms, unseen.key().clone()));
        unseen.insert((position, now_ms));
        // Under the lock, or two appends could be published in the wrong order.
        self.watchers.publish(&topic, &[Entry { accepted: Some(accepted), ..entry }]);
        Ok(Appended::New(position))
    }

    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        let now_ms = self.clock.now_ms();
        let mut state = self.locked();
        let Some(log) = state.topics.get_mut(topic) else {
            let gap = Extent::empty(self.generation).resolve(after).gap;
            return Ok(Page { gap, entries: Vec::new() });
        };
        log.trim(&self.retention, now_ms);
        Ok(log.page(after, limit))
    }

    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        let now_ms = self.clock.now_ms();
        let mut state = self.locked();
        let Some(log) = state.topics.get_mut(topic) else {
            return Ok(Extent::empty(self.generation).tail());
        };
        log.trim(&self.retention, now_ms);
        Ok(log.locate(start))
    }

    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError> {
        Ok(self.watchers.watch(topic, listener))
    }

    async fn ready(&self) -> Result<(), NotReady> {
        Ok(())
    }
}

impl State {
    fn forget(&mut self, oldest_ms: u64) {
        while let Some((at_ms, mark)) = self.seen_order.front() {
            if *at_ms >= oldest_ms {
                return;
            }
            self.seen.remove(mark);
            self.seen_order.pop_front();
        }
    }
}

impl TopicLog {
    fn new(generation: u64) -> Self {
        Self { extent: Extent::empty(generation), stored: VecDeque::new(), bytes: 0 }
    }

    fn push(&mut self, event: Event, bytes: u64, now_ms: u64) -> Entry {
        // A clock that goes back must not make a younger entry look older.
        let at_ms = self.stored.back().map_or(now_ms, |last| last.at_ms.max(now_ms));
        let event = Arc::new(event);
        self.stored.push_back(Stored { at_ms, bytes, event: Arc::clone(&event) });
        self.bytes += bytes;
        let previous = self.extent.tail();
        self.extent.next += 1;
        Entry { position: previous.next(), previous, event, accepted: None }
    }

    fn trim(&mut self, retention: &Retention, now_ms: u64) {
        let oldest_ms = retention.oldest_ms(now_ms);
        while let Some(oldest) = self.stored.front() {
            let over = self.extent.len() > retention.events
                || self.bytes > retention.bytes
                || oldest.at_ms < oldest_ms;
            if !over {
                return;
            }
            self.bytes -= oldest.bytes;
            self.extent.first += 1;
            self.stored.pop_front();
        }
    }

    fn page(&self, after: Position, limit: PageLimit) -> Page {
        let resolved = self.extent.resolve(after);
        let skip = usize::try_from(resolved.from - self.extent.first).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        let mut bytes = 0_u64;
        let mut previous = self.extent.before(resolved.from);
        for stored in self.stored.iter().skip(skip).take(limit.events) {
            bytes += stored.bytes;
            if bytes > limit.bytes as u64 && !entries.is_empty() {
                break;
            }
            let position = previous.next();
            let event = Arc::clone(&stored.event);
            entries.push(Entry { position, previous, event, accepted: None });
            previous = position;
        }
        Page { gap: resolved.gap, entries }
    }

    fn locate(&self, start: Start) -> Position {
        let extent = &self.extent;
        match start {
            Start::Tail => extent.tail(),
            Start::Earliest => extent.before(extent.first),
            Start::Last(n) => extent.before(extent.next.saturating_sub(n).max(extent.first)),
            Start::Since(since_ms) => {
                let older = self.stored.partition_point(|stored| stored.at_ms < since_ms);
                extent.before(extent.first + older as u64)
            }
        }
    }
}

#[async_trait]
impl Quarantine for MemoryLog {
    async fn put(&self, mut notification: Quarantined) -> Result<u64, BoxError> {
        let mut state = self.locked();
        state.quarantined += 1;
        notification.id = state.quarantined;
        state.quarantine.push_back(notification);
        let bytes =
            |state: &State| state.quarantine.iter().map(|one| one.body.len()).sum::<usize>();
        while state.quarantine.len() > Self::QUARANTINE
            || (bytes(&state) > Self::QUARANTINE_BYTES && state.quarantine.len() > 1)
        {
            state.quarantine.pop_front();
            if let Some(times) = self.dropped.again() {
                tracing::warn!(
                    times,
                    "the quarantine is full, its oldest notifications are dropped"
                );
            }
        }
        Ok(state.quarantined)
    }

    async fn list(&self, limit: usize) -> Result<Vec<Quarantined>, BoxError> {
        Ok(self.locked().quarantine.iter().rev().take(limit).cloned().collect())
    }

    async fn get(&self, id: u64) -> Result<Option<Quarantined>, BoxError> {
        Ok(self.locked().quarantine.iter().find(|one| one.id == id).cloned())
    }

    async fn remove(&self, id: u64) -> Result<(), BoxError> {
        self.locked().quarantine.retain(|one| one.id != id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Backend, TestClock};

    #[derive(Debug)]
    struct Memory(Arc<MemoryLog>);

    #[async_trait]
    impl Backend for Memory {
        fn log(&self) -> Arc<dyn Log> {
            Arc::clone(&self.0) as Arc<dyn Log>
        }

        fn quarantine(&self) -> Arc<dyn Quarantine> {
            Arc::clone(&self.0) as Arc<dyn Quarantine>
        }

        async fn sweep(&self) {
            self.0.sweep();
        }
    }

    crate::conformance!(|retention: Retention, clock: &TestClock| {
        Memory(Arc::new(MemoryLog::new(retention, clock.clock())))
    });
}
