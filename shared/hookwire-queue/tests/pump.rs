//! What the pump does while the log is away, or refuses only some, over hours that pass at once.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};
use hookwire_log::conformance::{TestClock, event};
use hookwire_log::{
    AppendError, Appended, BoxError, Lateness, Listener, Log, MemoryLog, NotReady, Page, PageLimit,
    ReadError, Retention, Start, Watch,
};
use hookwire_queue::{
    Content, Depth, Drain, DrainConfig, InLog, Message, Pump, Queue, Record, SendError,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const VISIBILITY: Duration = Duration::from_secs(30);

/// A log that is away, or refuses one topic.
#[derive(Debug)]
struct Bad {
    log: Arc<MemoryLog>,
    away: AtomicBool,
}

#[async_trait]
impl Log for Bad {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        if self.away.load(Ordering::SeqCst) || event.topic.as_str() == "refused" {
            return Err(AppendError::Unavailable("bad".into()));
        }
        self.log.append(event).await
    }

    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        self.log.read_after(topic, after, limit).await
    }

    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        self.log.locate(topic, start).await
    }

    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError> {
        self.log.watch(topic, listener).await
    }

    async fn ready(&self) -> Result<(), NotReady> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(NotReady::Unreachable("away".into())),
            false => Ok(()),
        }
    }
}

/// A queue that gives the oldest visible messages.
#[derive(Debug, Default)]
struct Few(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    body: String,
    visible_at: Instant,
    receives: u32,
    deleted: bool,
}

impl Few {
    fn hide(&self, receipt: &str, until: Duration) {
        self.0.lock().unwrap()[receipt.parse::<usize>().unwrap()].visible_at =
            Instant::now() + until;
    }

    fn most_receives(&self) -> u32 {
        self.0.lock().unwrap().iter().map(|kept| kept.receives).max().unwrap()
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|kept| !kept.deleted).count()
    }
}

#[async_trait]
impl Queue for Few {
    async fn send(&self, body: String, delay: Duration) -> Result<(), SendError> {
        let visible_at = Instant::now() + delay;
        self.0.lock().unwrap().push(Kept { body, visible_at, receives: 0, deleted: false });
        Ok(())
    }

    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, BoxError> {
        let mut received = Vec::new();
        for (number, kept) in self.0.lock().unwrap().iter_mut().enumerate() {
            if !kept.deleted && kept.visible_at <= Instant::now() && received.len() < 10 {
                kept.visible_at = Instant::now() + VISIBILITY;
                kept.receives += 1;
                received.push(Message {
                    body: kept.body.clone(),
                    receipt: number.to_string(),
                    receives: kept.receives,
                    sent_at_ms: 0,
                    reason: None,
                });
            }
        }
        // A call takes time, also one that brings something.
        sleep(if received.is_empty() { wait } else { Duration::ZERO }).await;
        sleep(Duration::from_millis(5)).await;
        Ok(received)
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), BoxError> {
        for message in messages {
            self.0.lock().unwrap()[message.receipt.parse::<usize>().unwrap()].deleted = true;
        }
        Ok(())
    }

    async fn postpone(&self, messages: &[(Message, Duration)]) -> Result<(), BoxError> {
        messages.iter().for_each(|(message, until)| self.hide(&message.receipt, *until));
        Ok(())
    }

    async fn bury(&self, _message: &Message, _reason: &str) -> Result<(), BoxError> {
        Err("nothing is hopeless here".into())
    }

    async fn depth(&self) -> Result<Depth, BoxError> {
        Ok(Depth::default())
    }
}

struct World {
    log: Arc<Bad>,
    queue: Arc<Few>,
    stop: CancellationToken,
    pumping: tokio::task::JoinHandle<()>,
}

impl World {
    /// A pump that has these events of a topic before it, each accepted after the one before.
    async fn start(topics: &[&str], away: bool) -> Self {
        let memory = Arc::new(MemoryLog::new(Retention::default(), TestClock::default().clock()));
        let log = Arc::new(Bad { log: Arc::clone(&memory), away: AtomicBool::new(away) });
        let queue = Arc::new(Few::default());
        for (number, topic) in topics.iter().enumerate() {
            let content = Content::Event(event(topic, &number.to_string(), "x"), InLog::No);
            let record = Record { accepted_at_us: 1 + number as u64, content };
            queue.send(record.encode(), Duration::ZERO).await.unwrap();
        }
        let hour = Duration::from_hours(1);
        let config = DrainConfig { dedupe_window: hour, retention_age: hour, verify_after: None };
        let drain_log = Arc::clone(&log) as Arc<dyn Log>;
        let drain = Drain::new(drain_log, memory, config, Lateness::default());
        let pump = Pump::new(Arc::clone(&queue) as Arc<dyn Queue>, drain, VISIBILITY);
        let stop = CancellationToken::new();
        let pumping = tokio::spawn(pump.run(stop.clone()));
        Self { log, queue, stop, pumping }
    }

    async fn ids(&self, topic: &str) -> Vec<String> {
        let topic = Topic::parse(topic).unwrap();
        let earliest = self.log.log.locate(&topic, Start::Earliest).await.unwrap();
        let limit = PageLimit { events: usize::MAX, bytes: usize::MAX };
        let page = self.log.log.read_after(&topic, earliest, limit).await.unwrap();
        page.entries.iter().map(|entry| entry.event.id.as_str().to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_for_hours_uses_no_receives_up_and_then_gets_all_in_order() {
    let world = World::start(&["t"; 500], true).await;
    sleep(Duration::from_hours(6)).await;
    assert!(world.queue.most_receives() <= 2, "{}", world.queue.most_receives());
    world.log.away.store(false, Ordering::SeqCst);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(world.queue.left(), 0);
    let expected: Vec<_> = (0..500).map(|number| number.to_string()).collect();
    assert_eq!(world.ids("t").await, expected);
}

#[tokio::test(start_paused = true)]
async fn what_a_log_refuses_that_takes_other_things_is_given_back_and_in_nobodys_way() {
    let topics: Vec<_> = (0..100).map(|n| ["refused", "t"][n % 2]).collect();
    let world = World::start(&topics, false).await;
    sleep(Duration::from_hours(1)).await;
    assert_eq!((world.ids("t").await.len(), world.queue.left()), (50, 50));
    // Twice every five minutes at most, and seldom.
    assert!(world.queue.most_receives() < 30, "{}", world.queue.most_receives());
    world.stop.cancel();
    world.pumping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_held_when_the_relay_stops_is_at_once_there_for_others() {
    let world = World::start(&["t"; 5], true).await;
    sleep(Duration::from_secs(10)).await;
    world.stop.cancel();
    world.pumping.await.unwrap();
    assert_eq!(world.queue.receive(Duration::ZERO).await.unwrap().len(), 5);
}
