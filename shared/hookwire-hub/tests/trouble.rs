//! What a session does while its log answers badly.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use hookwire_event::{Event, Position, Topic};
use hookwire_hub::{Codec, Delivery, Frame, Hub, Place, RingLimit, Session};
use hookwire_log::conformance::event;
use hookwire_log::{
    AppendError, Appended, Clock, Entry, Lateness, Listener, Log, MemoryLog, NotReady, Page,
    PageLimit, ReadError, Retention, Start, Watch,
};

#[derive(Debug)]
struct Dots;

impl Codec for Dots {
    fn encode(&self, entry: &Entry) -> Frame {
        Frame {
            position: entry.position,
            whole: Bytes::from_static(b"."),
            id_bytes: 0,
            accepted: None,
        }
    }
}

/// A log that fails for one topic, or once, or takes its time.
#[derive(Debug)]
struct Bad {
    log: MemoryLog,
    unreadable: Option<Topic>,
    fails_to_locate_b_once: AtomicBool,
    slow: bool,
}

impl Bad {
    fn new() -> Self {
        let log = MemoryLog::new(Retention::default(), Clock::system());
        Self { log, unreadable: None, fails_to_locate_b_once: AtomicBool::new(false), slow: false }
    }

    fn hub(self) -> (Arc<Self>, Hub) {
        let log = Arc::new(self);
        let hub = Hub::new(Arc::clone(&log) as Arc<dyn Log>, Arc::new(Dots), RingLimit::default());
        (log, hub)
    }
}

#[async_trait]
impl Log for Bad {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        self.log.append(event).await
    }

    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        if self.slow {
            tokio::task::yield_now().await;
        }
        if self.unreadable.as_ref() == Some(topic) {
            return Err(ReadError("bad block".into()));
        }
        self.log.read_after(topic, after, limit).await
    }

    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        let fails = topic.as_str() == "b";
        if fails && self.fails_to_locate_b_once.swap(false, Ordering::SeqCst) {
            return Err(ReadError("away".into()));
        }
        self.log.locate(topic, start).await
    }

    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError> {
        self.log.watch(topic, listener).await
    }

    async fn ready(&self) -> Result<(), NotReady> {
        Ok(())
    }
}

fn topic(name: &str) -> Topic {
    Topic::parse(name).unwrap()
}

async fn next(session: &mut Session) -> String {
    let delivery = tokio::time::timeout(Duration::from_mins(10), session.next()).await;
    match delivery.unwrap_or_else(|_| panic!("the session hangs")) {
        Delivery::Primed => "primed".into(),
        Delivery::Run(index, run) => format!("{} of {index}", run.frames().len()),
        Delivery::Gap(index, ..) => format!("gap of {index}"),
        Delivery::Degraded => "degraded".into(),
        Delivery::Recovered => "recovered".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_never_told_before_the_cursor_is_known() {
    let bad = Bad::new();
    bad.fails_to_locate_b_once.store(true, Ordering::SeqCst);
    let (_log, hub) = bad.hub();
    let places = [(topic("a"), Place::Unreadable), (topic("b"), Place::Unreadable)];
    let mut session = hub.session(places);
    for expected in ["degraded", "primed", "gap of 0", "gap of 1", "recovered"] {
        assert_eq!(next(&mut session).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_cannot_be_read_does_not_hold_up_the_others() {
    let (log, hub) = Bad { unreadable: Some(topic("a")), ..Bad::new() }.hub();
    let start = Place::Start(Start::Earliest);
    let mut session = hub.session([(topic("a"), start), (topic("b"), start)]);
    log.append(event("b", "1", "")).await.unwrap();
    for expected in ["primed", "1 of 1", "degraded"] {
        assert_eq!(next(&mut session).await, expected);
    }
    log.append(event("b", "2", "")).await.unwrap();
    assert_eq!(next(&mut session).await, "1 of 1");
}

#[tokio::test]
async fn a_client_that_leaves_during_a_read_leaves_nothing_behind() {
    let (log, hub) = Bad { slow: true, ..Bad::new() }.hub();
    let generation = log.append(event("a", "1", "")).await.unwrap().position().generation;
    let _follower = hub.session([(topic("a"), Place::Start(Start::Tail))]);
    let before = Arc::strong_count(&log);
    for k in 1..1_000 {
        let claimed = Place::Claimed(Position::new(generation, k));
        let mut session = hub.session([(topic("a"), claimed)]);
        assert!(matches!(session.next().await, Delivery::Primed));
        assert!(session.next().now_or_never().is_none(), "it is still reading");
    }
    assert_eq!(Arc::strong_count(&log), before);
}

#[tokio::test(start_paused = true)]
async fn a_stream_says_that_events_are_late_until_nothing_is() {
    let (log, hub) = Bad::new().hub();
    let lateness = Lateness::tracked();
    let hub = hub.with_lateness(lateness.clone());
    let follow = || hub.session([(topic("a"), Place::Start(Start::Tail))]);
    let mut early = follow();
    assert_eq!(next(&mut early).await, "primed");
    lateness.suspect();
    let mut late = follow();
    assert_eq!(next(&mut early).await, "degraded");
    assert_eq!([next(&mut late).await, next(&mut late).await], ["primed", "degraded"]);
    log.append(event("a", "1", "")).await.unwrap();
    lateness.settle(lateness.signs());
    for session in [&mut early, &mut late] {
        assert_eq!(
            next(session).await,
            "1 of 0",
            "what came late comes before the word that nothing is"
        );
        assert_eq!(next(session).await, "recovered");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_does_not_answer_is_a_sign_that_events_may_be_late() {
    let (_log, hub) = Bad { unreadable: Some(topic("a")), ..Bad::new() }.hub();
    let lateness = Lateness::tracked();
    let hub = hub.with_lateness(lateness.clone());
    let mut session = hub.session([(topic("a"), Place::Start(Start::Earliest))]);
    assert_eq!([next(&mut session).await, next(&mut session).await], ["primed", "degraded"]);
    assert!(lateness.is_late());
}
