//! Sessions that are cut and resumed at random against a log that answers late and loses publishes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use fastrand::Rng;
use hookwire_event::{Event, Position, Topic};
use hookwire_hub::{Codec, Delivery, Frame, Hub, Place, RingLimit};
use hookwire_log::conformance::event;
use hookwire_log::{
    AppendError, Appended, Clock, Entry, Listener, Log, MemoryLog, NotReady, Page, PageLimit,
    ReadError, Retention, Start, Watch,
};

const SEEDS: u64 = 1_000;
const TOPICS: usize = 3;
const LAST: &str = "last";

/// A log that takes its time at every step and drops publishes, as a network does.
#[derive(Debug)]
struct Jittery {
    log: MemoryLog,
    rng: Arc<Mutex<Rng>>,
}

impl Jittery {
    async fn dawdle(&self) {
        let pauses = self.rng.lock().unwrap().u8(0..4);
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
    }
}

/// Passes on most of what is published, and always the last event of a topic.
#[derive(Debug)]
struct Lossy {
    listener: Arc<dyn Listener>,
    rng: Arc<Mutex<Rng>>,
}

impl Listener for Lossy {
    fn published(&self, entries: &[Entry]) {
        let is_last = entries.iter().any(|entry| entry.event.id.as_str() == LAST);
        if is_last || self.rng.lock().unwrap().f32() < 0.8 {
            self.listener.published(entries);
        }
    }

    fn interrupted(&self) {
        self.listener.interrupted();
    }
}

#[async_trait]
impl Log for Jittery {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        self.dawdle().await;
        self.log.append(event).await
    }

    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        self.dawdle().await;
        let limit = PageLimit { events: 7, ..limit };
        let page = self.log.read_after(topic, after, limit).await;
        self.dawdle().await;
        page
    }

    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        self.dawdle().await;
        let position = self.log.locate(topic, start).await;
        self.dawdle().await;
        position
    }

    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError> {
        self.dawdle().await;
        let lossy = Lossy { listener, rng: Arc::clone(&self.rng) };
        let watch = self.log.watch(topic, Arc::new(lossy)).await;
        self.dawdle().await;
        watch
    }

    async fn ready(&self) -> Result<(), NotReady> {
        Ok(())
    }
}

/// A frame is the event's id and a space.
struct Ids;

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

impl Codec for Ids {
    fn encode(&self, entry: &Entry) -> Frame {
        let whole = Bytes::from(format!("{} ", entry.event.id));
        Frame { position: entry.position, whole, id_bytes: 0, accepted: None }
    }
}

fn topics() -> Vec<Topic> {
    (0..TOPICS).map(|n| Topic::parse(&format!("topic-{n}")).unwrap()).collect()
}

/// Follows every topic to its last event, cutting the session at random, and returns the ids seen in each.
async fn follow(hub: Arc<Hub>, mut rng: Rng) -> Vec<Vec<String>> {
    let mut places = vec![Place::Start(Start::Earliest); TOPICS];
    let mut seen = vec![Vec::new(); TOPICS];
    loop {
        let mut session = hub.session(topics().into_iter().zip(places.clone()));
        let cut_after = rng.usize(1..12);
        for _ in 0..cut_after {
            match session.next().await {
                Delivery::Run(index, run) => {
                    let joined = String::from_utf8(run.joined().to_vec()).unwrap();
                    let ids = joined.split_whitespace().map(str::to_owned);
                    seen[index].extend(ids);
                }
                Delivery::Primed => {}
                other => panic!("unexpected {other:?}"),
            }
            if seen.iter().all(|ids: &Vec<String>| ids.last().is_some_and(|id| id == LAST)) {
                return seen;
            }
        }
        for (place, (_, position)) in places.iter_mut().zip(session.positions()) {
            if let Some(position) = position {
                *place = Place::Claimed(position);
            }
        }
    }
}

async fn publish(log: Arc<Jittery>, mut rng: Rng) -> Vec<Vec<String>> {
    let mut appended = vec![Vec::new(); TOPICS];
    // Few events make it likely that the very last one falls between a read and a watch.
    let events = rng.usize(0..80);
    let ids = (0..events).map(|n| (rng.usize(0..TOPICS), n.to_string()));
    let last = (0..TOPICS).map(|topic| (topic, LAST.to_owned()));
    for (topic, id) in ids.chain(last).collect::<Vec<_>>() {
        log.append(event(&format!("topic-{topic}"), &id, "")).await.unwrap();
        appended[topic].push(id);
        for _ in 0..rng.u8(0..6) {
            tokio::task::yield_now().await;
        }
    }
    appended
}

async fn run(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let log = MemoryLog::new(Retention::default(), Clock::system());
    let log = Arc::new(Jittery { log, rng: Arc::new(Mutex::new(rng.fork())) });
    let limit = RingLimit { events: 3, ..RingLimit::default() };
    let hub = Arc::new(Hub::new(Arc::clone(&log) as Arc<dyn Log>, Arc::new(Ids), limit));
    let sessions: Vec<_> =
        (0..rng.u8(1..6)).map(|_| tokio::spawn(follow(Arc::clone(&hub), rng.fork()))).collect();
    let appended = publish(log, rng.fork()).await;
    for session in sessions {
        let seen = tokio::time::timeout(std::time::Duration::from_secs(60), session).await;
        let seen = seen.unwrap_or_else(|_| panic!("seed {seed}: a session waits for ever"));
        assert_eq!(seen.unwrap(), appended, "seed {seed}");
    }
    assert_eq!(hub.followed(), 0, "a topic that nobody follows costs nothing");
}

#[tokio::test(start_paused = true)]
async fn every_session_sees_every_event_once_in_order_whatever_is_cut_late_or_lost() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        run(seed).await;
    }
}
