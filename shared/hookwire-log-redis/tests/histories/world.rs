use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::join_all;
use hookwire_event::{Event, Position};
use hookwire_log::conformance::{TestClock, event};
use hookwire_log::{AppendError, Appended, Log, PageLimit, Retention, Start};
use hookwire_log_redis::RedisLog;

use crate::model::{Expected, Line, Model};
use crate::reader::Reader;
use crate::servers::{Dump, KEYS, Servers, topic};

/// One history: a topic, the server it is on, and who reads it.
pub(crate) struct World {
    seed: u64,
    rng: Rng,
    servers: Arc<Servers>,
    node: usize,
    namespace: String,
    logs: BTreeMap<usize, RedisLog>,
    clock: TestClock,
    /// No two generations may begin at one time, or a flush in between could not be noticed.
    times: HashSet<u64>,
    /// That of the topic's state, if there is one.
    generation: Option<u64>,
    /// All that ever began, on whatever server.
    begun: HashSet<u64>,
    /// One whose state was lost before anything was appended to it: if it begins again, it is the same place.
    unused: Option<u64>,
    model: Model,
    tell_server_change: bool,
    readers: Vec<Reader>,
    copy: Option<(Dump, Line)>,
    ids: u64,
    steps: VecDeque<String>,
    tally: Tally,
}

/// What was done, for the one who wonders whether anything was.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) appended: usize,
    pub(crate) duplicates: usize,
    pub(crate) read: usize,
    pub(crate) gaps: BTreeMap<&'static str, usize>,
    failovers: usize,
    pub(crate) coincidences: usize,
    pub(crate) unanswered: usize,
}

/// Why a history ends early, with nothing wrong.
enum Early {
    /// A generation began with the number of an earlier one.
    Coincidence,
    /// An append was not answered in time, so that nobody knows what became of it.
    Unanswered,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.appended += other.appended;
        self.duplicates += other.duplicates;
        self.read += other.read;
        self.failovers += other.failovers;
        self.coincidences += other.coincidences;
        self.unanswered += other.unanswered;
        for (reason, count) in &other.gaps {
            *self.gaps.entry(reason).or_default() += count;
        }
    }
}

impl World {
    pub(crate) fn new(seed: u64, servers: Arc<Servers>) -> Self {
        let mut rng = Rng::with_seed(seed);
        let retention = Retention {
            age: Duration::from_mins([2, 60, 24 * 60][rng.usize(..3)]),
            events: [3, 12, 40, 1_000][rng.usize(..4)],
            bytes: [900, 4_000, 1_000_000][rng.usize(..3)],
            dedupe_window: Duration::from_mins([1, 10, 60][rng.usize(..3)]),
        };
        Self {
            seed,
            servers,
            node: 0,
            namespace: format!("history-{seed}"),
            logs: BTreeMap::new(),
            clock: TestClock::default(),
            times: HashSet::new(),
            generation: None,
            begun: HashSet::new(),
            unused: None,
            model: Model::new(retention),
            tell_server_change: rng.u8(..5) > 0,
            rng,
            readers: Vec::new(),
            copy: None,
            ids: 0,
            steps: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) async fn run(mut self, steps: usize) -> Tally {
        match self.unfold(steps).await {
            Ok(()) => {}
            Err(Early::Coincidence) => self.tally.coincidences += 1,
            Err(Early::Unanswered) => self.tally.unanswered += 1,
        }
        self.servers.delete(self.node, &self.namespace, &KEYS).await;
        self.tally
    }

    async fn unfold(&mut self, steps: usize) -> Result<(), Early> {
        for _ in 0..3 {
            let reader = self.begin(Start::Tail).await?;
            self.readers.push(reader);
        }
        for _ in 0..steps {
            self.step().await?;
        }
        for index in 0..self.readers.len() {
            self.read(index, usize::MAX).await?;
        }
        for (key, life_ms) in self.servers.lives(self.node, &self.namespace).await {
            if life_ms <= 0 {
                self.fail(&format!("{key} stays for ever"));
            }
        }
        Ok(())
    }

    async fn step(&mut self) -> Result<(), Early> {
        let passed_ms = self.rng.u64(1..50);
        self.move_clock(passed_ms, true);
        match self.rng.u8(..100) {
            0..34 => self.append().await?,
            34..66 => {
                let pages = if self.rng.u8(..3) == 0 { self.rng.usize(1..3) } else { usize::MAX };
                let reader = self.rng.usize(..self.readers.len());
                self.read(reader, pages).await?;
            }
            66..71 => self.begin_again().await?,
            71..80 => self.jump(),
            80..84 => self.copy().await?,
            84..89 => self.fail_over(false).await,
            89..92 => self.fail_over(true).await,
            92 => self.flush().await,
            93..95 => self.lose_state().await,
            95 => self.lose_log().await,
            _ => self.break_entry().await,
        }
        Ok(())
    }

    async fn append(&mut self) -> Result<(), Early> {
        let count = if self.rng.bool() { 1 } else { self.rng.usize(2..9) };
        let events: Vec<Event> = (0..count).map(|_| self.event()).collect();
        self.note(|| format!("append {count}"));
        let clock_ms = self.clock.clock().now_ms();
        let log = self.log();
        let answers = join_all(events.iter().map(|event| log.append(event.clone()))).await;
        if answers.iter().any(|answer| matches!(answer, Err(AppendError::Unknown(_)))) {
            return Err(Early::Unanswered);
        }
        self.note_generation().await?;
        for (event, answer) in events.into_iter().zip(answers) {
            let id = event.id.as_str().to_owned();
            let expected = self.model.expected(&id, clock_ms);
            let answer = answer.unwrap_or_else(|error| {
                self.fail(&format!("{id} is not appended: {:?}", std::error::Error::source(&error)))
            });
            match (answer, &expected) {
                (Appended::New(position), Expected::New | Expected::Either(_)) => {
                    self.tally.appended += 1;
                    let noted = self.model.appended(event, position, clock_ms);
                    noted.unwrap_or_else(|wrong| self.fail(&wrong));
                }
                (
                    Appended::Duplicate(old),
                    Expected::Duplicate(first) | Expected::Either(first),
                ) if old == *first => {
                    self.tally.duplicates += 1;
                    self.model.looked(clock_ms);
                }
                _ => self.fail(&format!("{id}: {answer:?}, not {expected:?}")),
            }
        }
        self.look_into_log().await;
        self.model.check_bounds().unwrap_or_else(|wrong| self.fail(&wrong));
        Ok(())
    }

    fn event(&mut self) -> Event {
        let old = self.rng.u8(..5) == 0;
        let number = if old { self.ids.saturating_sub(self.rng.u64(..30)) } else { self.ids };
        self.ids += 1;
        let size = if self.rng.u8(..4) == 0 { self.rng.usize(..500) } else { self.rng.usize(..20) };
        event("t", &format!("id-{number}"), &"x".repeat(size))
    }

    async fn read(&mut self, index: usize, pages: usize) -> Result<(), Early> {
        self.note(|| format!("reader {index} reads {pages} pages"));
        let clock_ms = self.clock.clock().now_ms();
        let enough = self.model.written.len() * 4 + 20;
        // How many pages it takes depends on the servers' identities, and what comes later is not to.
        let mut rng = self.rng.fork();
        for _ in 0..pages.min(enough) {
            let events = [1, 2, 3, 7, 512][rng.usize(..5)];
            let bytes = [1, 300, 256 * 1024][rng.usize(..3)];
            let cursor = self.readers[index].cursor;
            let limit = PageLimit { events, bytes };
            let page = self.log().read_after(&topic(), cursor, limit).await.unwrap();
            self.note_generation().await?;
            self.model.looked(clock_ms);
            self.look_into_log().await;
            self.note(|| {
                let entries: Vec<_> = page.entries.iter().map(|entry| entry.position).collect();
                format!("  after {cursor}: {:?} {entries:?}", page.gap)
            });
            if page.entries.len() > events {
                self.fail("the page is too large");
            }
            let step = self.readers[index].take(&page, &mut self.model);
            let step = step.unwrap_or_else(|wrong| self.fail(&wrong));
            self.tally.read += step.read;
            if let Some(reason) = step.gap {
                *self.tally.gaps.entry(reason.as_str()).or_default() += 1;
            }
            if step.at_tail {
                let tail = self.log().locate(&topic(), Start::Tail).await.unwrap();
                self.note_generation().await?;
                if self.tell_server_change && tail != cursor {
                    self.fail(&format!("{cursor} is not the tail, {tail} is"));
                }
                return Ok(());
            }
        }
        if pages > enough {
            self.fail("the reader never comes to the tail");
        }
        Ok(())
    }

    async fn begin_again(&mut self) -> Result<(), Early> {
        let start = match self.rng.u8(..4) {
            0 => Start::Tail,
            1 => Start::Earliest,
            2 => Start::Last(self.rng.u64(..20)),
            _ => Start::Since(self.clock.clock().now_ms() - self.rng.u64(..100_000)),
        };
        let index = self.rng.usize(..self.readers.len());
        self.readers[index] = self.begin(start).await?;
        Ok(())
    }

    async fn begin(&mut self, start: Start) -> Result<Reader, Early> {
        let cursor: Position = self.log().locate(&topic(), start).await.unwrap();
        self.note_generation().await?;
        self.model.looked(self.clock.clock().now_ms());
        self.look_into_log().await;
        self.note(|| format!("a reader begins at {start:?}, which is {cursor}"));
        self.model.began(cursor);
        let first = self.model.live.first().copied();
        let last = self.model.live.last().copied();
        let upto = self.model.upto(cursor);
        let right = match (start, upto) {
            (_, None) => false,
            (Start::Tail, Some(upto)) => last.is_none_or(|last| upto > last),
            (Start::Earliest, Some(upto)) => first.is_none_or(|first| upto <= first),
            _ => true,
        };
        if !right {
            self.fail(&format!("{start:?} is not {cursor}"));
        }
        Ok(Reader::new(cursor, &self.model, self.tell_server_change))
    }

    fn jump(&mut self) {
        let (most, forth) = match self.rng.u8(..4) {
            0 | 1 => (20_000, self.rng.bool()),
            2 => (3 * 3_600_000, true),
            _ => (3 * 3_600_000, false),
        };
        let by = self.rng.u64(1..most);
        self.move_clock(by, forth);
        self.note(|| format!("the clock goes {} by {by} ms", if forth { "on" } else { "back" }));
    }

    fn move_clock(&mut self, by_ms: u64, forth: bool) {
        let by = Duration::from_millis(by_ms);
        match forth {
            true => self.clock.advance(by),
            false => self.clock.step_back(by),
        }
        while !self.times.insert(self.clock.clock().now_ms()) {
            self.clock.advance(Duration::from_millis(1));
        }
    }

    async fn copy(&mut self) -> Result<(), Early> {
        self.note(|| "a copy is made".to_owned());
        let tail = self.log().locate(&topic(), Start::Tail).await.unwrap();
        self.note_generation().await?;
        self.model.looked(self.clock.clock().now_ms());
        self.model.began(tail);
        // What was too old is gone.
        self.look_into_log().await;
        let dump = self.servers.dump(self.node, &self.namespace).await;
        self.copy = Some((dump, self.model.line.clone()));
        Ok(())
    }

    /// Has a server that was not used before take over, with everything or with what the last copy holds.
    async fn fail_over(&mut self, stale: bool) {
        let next = self.node + 1;
        if next == self.servers.count() || (stale && self.copy.is_none()) {
            return;
        }
        let dump = match &self.copy {
            Some((dump, line)) if stale => {
                self.model.roll_back(line);
                dump.clone()
            }
            _ => self.servers.dump(self.node, &self.namespace).await,
        };
        self.model.line.continues = None;
        self.servers.delete(self.node, &self.namespace, &KEYS).await;
        self.node = next;
        self.servers.restore(self.node, &self.namespace, &dump).await;
        self.generation = self.servers.generation(self.node, &self.namespace).await;
        self.unused = None;
        self.tally.failovers += 1;
        self.note(|| format!("another server takes over, stale: {stale}"));
        if stale {
            self.disturb();
        }
        self.look_into_log().await;
    }

    async fn flush(&mut self) {
        self.note(|| "everything is flushed".to_owned());
        self.servers.delete(self.node, &self.namespace, &KEYS).await;
        (self.generation, self.unused) = (None, None);
        self.model.flush();
        self.disturb();
        self.look_into_log().await;
    }

    async fn lose_state(&mut self) {
        self.note(|| "the state is lost".to_owned());
        self.servers.delete(self.node, &self.namespace, &["state"]).await;
        if let Some(lost) = self.generation.take() {
            let used = self.model.upto(Position::new(lost, 1)).is_some();
            self.unused = (!used).then_some(lost);
        }
        self.model.lose_state();
        self.disturb();
    }

    async fn lose_log(&mut self) {
        self.note(|| "the log is lost".to_owned());
        self.servers.delete(self.node, &self.namespace, &["log"]).await;
        self.model.lose_log();
        self.look_into_log().await;
    }

    /// Deletes an entry or makes it unreadable.
    async fn break_entry(&mut self) {
        let Some(&number) = self.rng.choice(&self.model.live) else { return };
        let position = self.model.written[number].position;
        let key = self.servers.key(&self.namespace, "log");
        let id = position.to_string();
        let what = self.rng.u8(..4);
        self.note(|| format!("{position} is broken in way {what}"));
        let noise: &[&[u8]] = match what {
            0 => &[b"x", b"y"],
            1 => &[b"r", b"\x01\xff\xff\xff\xff", b"t", b"1", b"b", b"1"],
            _ => &[],
        };
        if noise.is_empty() {
            let mut delete = hookwire_redis::redis::cmd("XDEL");
            self.servers.call::<()>(self.node, delete.arg(key).arg(&id)).await;
        } else {
            self.servers.damage(self.node, &self.namespace, &id, noise).await;
        }
        self.model.lose(position);
        self.look_into_log().await;
    }

    fn disturb(&mut self) {
        self.readers.iter_mut().for_each(|reader| reader.disturbed = true);
    }

    /// Notes whether the last call began a generation, before anything is said about its answer.
    ///
    /// Two generations of one number began on two servers or by a clock that went back, and neither a reader nor the
    /// model can tell them apart. That is a known limit, one in thousands, and the history ends there.
    async fn note_generation(&mut self) -> Result<(), Early> {
        let generation = self.servers.generation(self.node, &self.namespace).await;
        let before = std::mem::replace(&mut self.generation, generation);
        let Some(begun) = generation.filter(|_| generation != before) else { return Ok(()) };
        let unused = self.unused.take();
        let is_new = self.begun.insert(begun);
        if is_new || unused == generation { Ok(()) } else { Err(Early::Coincidence) }
    }

    async fn look_into_log(&mut self) {
        let raw = self.servers.entries(self.node, &self.namespace).await;
        self.model.found(&raw).unwrap_or_else(|wrong| self.fail(&wrong));
    }

    fn log(&mut self) -> &RedisLog {
        self.logs.entry(self.node).or_insert_with(|| {
            let retention = self.model.retention;
            let tell = self.tell_server_change;
            self.servers.log(self.node, &self.namespace, retention, &self.clock, tell)
        })
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        self.steps.push_back(format!("{} {}", self.clock.clock().now_ms(), what()));
        if self.steps.len() > 40 {
            self.steps.pop_front();
        }
    }

    fn fail(&self, what: &str) -> ! {
        let steps: Vec<_> = self.steps.iter().map(String::as_str).collect();
        panic!(
            "seed {}, {:?}, changes told: {}\n{}\n{what}\n",
            self.seed,
            self.model.retention,
            self.tell_server_change,
            steps.join("\n"),
        );
    }
}
