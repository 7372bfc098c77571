use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fjall::PersistMode;
use hookwire_event::{Event, Position, Topic, encode_record};
use hookwire_log::{AppendError, Appended, BoxError, Entry};
use tokio::sync::{mpsc, oneshot};

use crate::catalog::TopicState;
use crate::keyspaces::{entry_key, mark_key, number, numbers};
use crate::{Store, failed};

/// What the writer's thread is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Append { event: Box<Event>, done: oneshot::Sender<Result<Appended, AppendError>> },
    Sweep(oneshot::Sender<()>),
}

pub(crate) type Answer = oneshot::Sender<Result<Appended, AppendError>>;

impl Command {
    pub(crate) fn append(event: Event, done: Answer) -> Self {
        Self::Append { event: Box::new(event), done }
    }
}

/// Most commands that share one sync; more would delay the first of them.
const GROUP: usize = 1_024;

/// Starts the only thread that writes topics, so no two appends ever race.
pub(crate) fn spawn(store: Arc<Store>, mut waiting: mpsc::Receiver<Command>) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("hookwire-log".into());
    let writer = Writer { next_topic: store.catalog.next_id(), store };
    thread.spawn(move || writer.run(&mut waiting)).map(drop)
}

struct Writer {
    store: Arc<Store>,
    next_topic: u64,
}

impl Writer {
    fn run(mut self, waiting: &mut mpsc::Receiver<Command>) {
        let mut commands = Vec::with_capacity(GROUP);
        // Everything that came while the last sync ran shares the next one.
        while waiting.blocking_recv_many(&mut commands, GROUP) > 0 {
            let mut appends = Vec::with_capacity(commands.len());
            let mut sweeps = Vec::new();
            for command in commands.drain(..) {
                match command {
                    Command::Append { event, done } => appends.push((event, done)),
                    Command::Sweep(done) => sweeps.push(done),
                }
            }
            self.append(appends);
            if !sweeps.is_empty() {
                self.sweep();
                for done in sweeps {
                    // A caller that went away does not want to know.
                    let _gone = done.send(());
                }
            }
        }
    }

    fn append(&mut self, appends: Vec<(Box<Event>, Answer)>) {
        if appends.is_empty() {
            return;
        }
        let mut group = Group::new(&self.store, &mut self.next_topic);
        let mut answers = Vec::with_capacity(appends.len());
        for (event, done) in appends {
            answers.push((group.add(*event), done));
        }
        let committed = group.commit();
        for (answer, done) in answers {
            let answer = answer.and_then(|appended| match &committed {
                Ok(()) => Ok(appended),
                Err(()) => Err(AppendError::Unavailable(failed())),
            });
            // A caller that went away repeats its append, which is then a duplicate.
            drop(done.send(answer));
        }
    }

    fn sweep(&mut self) {
        let store = Arc::clone(&self.store);
        let now_ms = store.clock.now_ms();
        let oldest_ms = store.retention.oldest_ms(now_ms);
        store.reclaim.expired(store.retention.oldest_mark_ms(now_ms));
        let mut group = Group::new(&store, &mut self.next_topic);
        let mut live_bytes = 0;
        for (topic, state) in store.catalog.all() {
            live_bytes += state.next_bytes - state.first_bytes;
            if !state.extent.is_empty() && state.first_at_ms < oldest_ms {
                group.trim_older(topic, state, oldest_ms);
            }
        }
        if group.commit().is_ok() {
            store.reclaim.run_if_worth(&store.keyspaces, live_bytes, store.garbage_bytes);
        }
    }
}

/// Appends and trims that become durable together.
struct Group<'a> {
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
    fn new(store: &'a Store, next_topic: &'a mut u64) -> Self {
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

    fn add(&mut self, event: Event) -> Result<Appended, AppendError> {
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
        self.trim_over(&mut state);
        self.topics.insert(event.topic.clone(), state);
        self.published(event, position);
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

    fn published(&mut self, event: Event, position: Position) {
        let topic = event.topic.clone();
        let entry = Entry { position, previous: position.previous(), event: Arc::new(event) };
        match self.entries.iter_mut().find(|(one, _)| *one == topic) {
            Some((_, entries)) => entries.push(entry),
            None => self.entries.push((topic, vec![entry])),
        }
    }

    /// Drops the oldest entries while there are too many or they are too large.
    fn trim_over(&self, state: &mut TopicState) {
        let retention = &self.store.retention;
        let by_count = state.extent.next.saturating_sub(retention.events.max(1));
        if by_count > state.extent.first {
            self.trim_to(state, by_count);
        }
        while state.next_bytes - state.first_bytes > retention.bytes && state.extent.len() > 1 {
            self.trim_to(state, state.extent.first + 1);
        }
    }

    fn trim_older(&mut self, topic: Topic, mut state: TopicState, oldest_ms: u64) {
        let (mut low, mut high) = (state.extent.first, state.extent.next);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.meta(&state, middle) {
                Some(meta) if meta.at_ms >= oldest_ms => high = middle,
                _ => low = middle + 1,
            }
        }
        self.trim_to(&mut state, low);
        self.topics.insert(topic, state);
    }

    fn trim_to(&self, state: &mut TopicState, first: u64) {
        state.extent.first = first;
        match self.meta(state, first) {
            Some(meta) => {
                state.first_bytes = meta.bytes_before;
                state.first_at_ms = meta.at_ms;
            }
            None => state.first_bytes = state.next_bytes,
        }
    }

    fn meta(&self, state: &TopicState, k: u64) -> Option<Meta> {
        if let Some(meta) = self.added.get(&(state.id, k)) {
            return Some(*meta);
        }
        let value = self.store.keyspaces.entries.get(entry_key(state.id, k)).ok()??;
        Some(Meta { bytes_before: number(&value, 0)?, at_ms: number(&value, 1)? })
    }

    fn commit(mut self) -> Result<(), ()> {
        if self.topics.is_empty() {
            return Ok(());
        }
        for (topic, state) in &self.topics {
            self.batch.insert(&self.store.keyspaces.topics, topic.as_str(), state.encode());
        }
        if let Err(error) = self.batch.commit() {
            if !self.store.failed.swap(true, Ordering::AcqRel) {
                tracing::error!(%error, "the embedded log cannot write; appends are refused until a restart");
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
