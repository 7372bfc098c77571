//! What the drain makes of the messages of a queue, over a log that forgets ids, trims, or fails.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};
use hookwire_log::conformance::{TestClock, event};
use hookwire_log::{
    AppendError, Appended, Lateness, Listener, Log, MemoryLog, NotReady, Page, PageLimit,
    Quarantine, Quarantined, ReadError, Retention, Start, Watch,
};
use hookwire_queue::{Content, Drain, DrainConfig, InLog, Message, Record, Verdict, back_off};

const HOUR: Duration = Duration::from_hours(1);

/// A log in memory that fails at one of its appends.
#[derive(Debug)]
struct Failing {
    log: Arc<MemoryLog>,
    until: AtomicU64,
}

#[async_trait]
impl Log for Failing {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        if self.until.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(AppendError::Unavailable("full".into()));
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
        self.log.ready().await
    }
}

struct World {
    clock: TestClock,
    log: Arc<MemoryLog>,
    drain: Drain,
    lateness: Lateness,
}

impl World {
    fn new(retention: Retention) -> Self {
        Self::failing(retention, u64::MAX)
    }

    /// With a log that may lose what it has taken.
    fn verified(after: Duration) -> Self {
        let mut world = Self::new(Retention::default());
        let config = DrainConfig {
            dedupe_window: HOUR,
            retention_age: 24 * HOUR,
            verify_after: Some(after),
        };
        let (log, quarantine) = (Arc::clone(&world.log), Arc::clone(&world.log));
        world.drain = Drain::new(log, quarantine, config, world.lateness.clone());
        world
    }

    /// With a log that fails after so many appends, once.
    fn failing(retention: Retention, appends: u64) -> Self {
        let clock = TestClock::default();
        let log = Arc::new(MemoryLog::new(retention, clock.clock()));
        let failing = Failing { log: Arc::clone(&log), until: AtomicU64::new(appends) };
        let config =
            DrainConfig { dedupe_window: HOUR, retention_age: 24 * HOUR, verify_after: None };
        let lateness = Lateness::tracked();
        let quarantine = Arc::clone(&log) as Arc<dyn Quarantine>;
        let drain = Drain::new(Arc::new(failing), quarantine, config, lateness.clone());
        Self { clock, log, drain, lateness }
    }

    async fn append(&self, id: &str) -> Position {
        self.log.append(event("t", id, "x")).await.unwrap().position()
    }

    /// The ids in the log, in order.
    async fn ids(&self, topic: &str) -> Vec<String> {
        let topic = Topic::parse(topic).unwrap();
        let earliest = self.log.locate(&topic, Start::Earliest).await.unwrap();
        let limit = PageLimit { events: usize::MAX, bytes: usize::MAX };
        let page = self.log.read_after(&topic, earliest, limit).await.unwrap();
        page.entries.iter().map(|entry| entry.event.id.as_str().to_owned()).collect()
    }
}

/// The message of an event that was accepted so long ago, and sent right then.
fn message(topic: &str, id: &str, in_log: InLog, ago: Duration) -> Message {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() - ago;
    let accepted_at_us = u64::try_from(since_epoch.as_micros()).unwrap();
    let content = Content::Event(event(topic, id, "x"), in_log);
    let sent_at_ms = accepted_at_us / 1_000;
    Message { sent_at_ms, ..carrying(Record { accepted_at_us, content }.encode()) }
}

fn carrying(body: String) -> Message {
    Message { body, receipt: String::new(), receives: 1, sent_at_ms: 0, reason: None }
}

const fn ago(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn events_of_a_topic_are_appended_in_the_order_in_which_they_were_accepted() {
    let world = World::new(Retention::default());
    let mut messages: Vec<_> = (0..300)
        .map(|n| message(["a", "b"][n % 2], &n.to_string(), InLog::No, ago(1_000 - n as u64)))
        .collect();
    fastrand::shuffle(&mut messages);
    let verdicts = world.drain.take(&messages).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done));
    for (topic, first) in [("a", 0), ("b", 1)] {
        let expected: Vec<_> = (first..300).step_by(2).map(|n| n.to_string()).collect();
        assert_eq!(world.ids(topic).await, expected);
    }
    assert!(world.lateness.is_late());
}

#[tokio::test]
async fn what_the_log_has_is_not_appended_again_also_when_it_no_longer_knows_the_id() {
    let world = World::new(Retention::default());
    let mut messages = Vec::new();
    for n in 0..50 {
        let id = n.to_string();
        messages.push(message("t", &id, world.append(&id).await.into(), ago(7_200)));
    }
    world.clock.advance(2 * HOUR);
    world.log.sweep();
    fastrand::shuffle(&mut messages);
    let verdicts = world.drain.take(&messages).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done));
    assert_eq!(world.ids("t").await.len(), 50);
    assert!(!world.lateness.is_late(), "nothing was late");
}

#[tokio::test]
async fn what_the_log_has_lost_is_appended_again() {
    let world = World::new(Retention::default());
    let kept = world.append("kept").await;
    let beyond = InLog::from(Position::new(kept.generation, kept.k + 1));
    let elsewhere = InLog::from(Position::new(kept.generation - 1, 7));
    let taken = message("t", "another stands at its place", kept.into(), ago(60));
    let messages = [
        message("t", "kept", kept.into(), ago(60)),
        message("t", "beyond", beyond, ago(59)),
        message("t", "elsewhere", elsewhere, ago(58)),
        taken,
    ];
    let verdicts = world.drain.take(&messages).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done));
    let ids = world.ids("t").await;
    assert_eq!(ids, ["kept", "another stands at its place", "beyond", "elsewhere"]);
    assert!(world.lateness.is_late());
}

#[tokio::test]
async fn what_was_appended_is_looked_for_again_before_it_is_forgotten() {
    let after = Duration::from_secs(60);
    let world = World::verified(after);
    let known = world.append("known").await;
    let messages = [
        message("t", "new", InLog::No, ago(3)),
        message("t", "known", InLog::Perhaps, ago(2)),
        message("t", "lost", Position::new(1, 1).into(), ago(1)),
    ];
    let mut again = Vec::new();
    let verdicts = world.drain.take(&messages).await;
    for (verdict, k) in verdicts.into_iter().zip([2, 1, 3]) {
        let Verdict::Verify { body, after: delay } = verdict else { panic!("{verdict:?}") };
        assert_eq!(delay, after);
        let Content::Event(event, in_log) = Record::decode(&body).unwrap().content else {
            panic!()
        };
        assert_eq!(in_log, Position::new(known.generation, k).into(), "{}", event.id);
        again.push(carrying(body));
    }
    let verdicts = world.drain.take(&again).await;
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done, Verdict::Done]);
    assert_eq!(world.ids("t").await, ["known", "new", "lost"]);
}

#[tokio::test]
async fn what_was_trimmed_or_has_expired_stays_away() {
    let world = World::new(Retention { events: 3, ..Retention::default() });
    let mut messages = Vec::new();
    for n in 0..20 {
        let id = n.to_string();
        messages.push(message("t", &id, world.append(&id).await.into(), ago(60)));
    }
    let other_log = InLog::from(Position::new(1, 1));
    messages.push(message("t", "expired", other_log, 25 * HOUR));
    world.clock.advance(2 * HOUR);
    world.log.sweep();
    let verdicts = world.drain.take(&messages).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done));
    assert_eq!(world.ids("t").await, ["17", "18", "19"]);
}

#[tokio::test]
async fn what_may_be_in_the_log_is_looked_for_when_its_id_is_forgotten() {
    let world = World::new(Retention::default());
    for n in 0..2_000 {
        world.append(&n.to_string()).await;
    }
    world.clock.advance(2 * HOUR);
    world.log.sweep();
    // The log's clock stands at another time than this machine's: these were accepted just before it was read.
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let log_now = Duration::from_millis(world.clock.clock().now_ms());
    let accepted_ago = since_epoch.saturating_sub(log_now) + 2 * HOUR;
    let elsewhere = InLog::from(Position::new(1, 1));
    let tried = Message { receives: 2, ..message("t", "1999", InLog::No, accepted_ago) };
    let messages = [
        message("t", "0", InLog::Perhaps, accepted_ago),
        Message { sent_at_ms: 0, ..message("t", "1500", elsewhere, accepted_ago) },
        tried,
        message("t", "new", InLog::Perhaps, accepted_ago),
    ];
    let verdicts = world.drain.take(&messages).await;
    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done), "{verdicts:?}");
    let ids = world.ids("t").await;
    assert_eq!((ids.len(), ids.last().unwrap().as_str()), (2_001, "new"));
}

#[tokio::test]
async fn what_came_late_and_is_lost_again_comes_again_however_old_it_is() {
    let world = World::verified(Duration::from_secs(60));
    let lost = InLog::from(Position::new(1, 1));
    let recently = message("x", "x", InLog::No, ago(60)).sent_at_ms;
    let late = Message { sent_at_ms: recently, ..message("t", "late", lost, 30 * HOUR) };
    let verdicts = world.drain.take(&[late]).await;
    assert!(matches!(verdicts[..], [Verdict::Verify { .. }]), "{verdicts:?}");
    assert_eq!(world.ids("t").await, ["late"]);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_does_not_stop_the_others() {
    let world = World::new(Retention::default());
    let later_relay = Record::encode(&Record {
        accepted_at_us: 1,
        content: Content::Event(event("t", "x", "x"), InLog::No),
    });
    let large = Content::Event(event("t", "large", &"x".repeat(70 << 20)), InLog::No);
    let messages = [
        message("t", "one", InLog::No, ago(3)),
        carrying("garbage".to_owned()),
        carrying(later_relay.replacen("1:", "7:", 1)),
        carrying(Record { accepted_at_us: 2, content: large }.encode()),
        message("t", "two", InLog::No, ago(2)),
    ];
    let verdicts = world.drain.take(&messages).await;
    assert_eq!((&verdicts[0], &verdicts[4]), (&Verdict::Done, &Verdict::Done));
    for (index, word) in [(1, "damaged"), (2, "version 7"), (3, "bytes")] {
        let Verdict::Hopeless(reason) = &verdicts[index] else { panic!("{:?}", verdicts[index]) };
        assert!(reason.contains(word), "{reason}");
    }
    assert_eq!(world.ids("t").await, ["one", "two"]);
}

#[tokio::test]
async fn what_comes_behind_an_event_that_was_not_appended_waits_for_it() {
    let world = World::failing(Retention::default(), 200);
    let messages: Vec<_> =
        (0..500).map(|n| message("t", &n.to_string(), InLog::No, ago(1_000 - n))).collect();
    let verdicts = world.drain.take(&messages).await;
    let (on_their_way, behind) = verdicts.split_at(256);
    let later: Vec<_> = (0..256).filter(|n| on_their_way[*n] != Verdict::Done).collect();
    assert_eq!(later, [200]);
    assert!(behind.iter().all(|verdict| *verdict == Verdict::Later));
    assert_eq!(world.ids("t").await.len(), 255);
}

#[tokio::test]
async fn a_notification_comes_into_the_quarantine() {
    let world = World::new(Retention::default());
    let notification = Quarantined {
        id: 0,
        source: "gmail".to_owned(),
        reason: "no JSON".to_owned(),
        received_at_ms: 5,
        headers: Vec::new(),
        body: "x".into(),
    };
    let content = Content::Quarantined(notification);
    let message = carrying(Record { accepted_at_us: 1, content }.encode());
    assert_eq!(world.drain.take(&[message]).await, [Verdict::Done]);
    assert_eq!(world.log.list(9).await.unwrap()[0].reason, "no JSON");
}

#[test]
fn an_outage_of_days_does_not_use_the_receives_of_a_message_up() {
    let mut waited = Duration::ZERO;
    let mut receives = 0;
    while waited < 48 * HOUR {
        receives += 1;
        let pause = back_off(receives);
        assert!(pause >= Duration::from_millis(1_500) && pause <= Duration::from_mins(5));
        waited += pause;
    }
    // What the template allows before it takes a message for hopeless.
    assert!(receives < 1_000, "{receives}");
}
