//! What every log backend must do, as tests: give [`conformance!`](crate::conformance) a way to make one.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "these are tests; a panic is how they fail"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hookwire_event::{
    Data, Event, EventId, EventTime, EventType, Payload, Position, SourceUri, Topic,
};

use crate::{
    AppendError, Appended, Clock, Entry, GapReason, Listener, Log, PageLimit, Quarantine,
    Quarantined, Retention, Start,
};

/// One backend under test.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Its log.
    fn log(&self) -> Arc<dyn Log>;
    /// Its quarantine.
    fn quarantine(&self) -> Arc<dyn Quarantine>;
    /// Enforces the retention now; in service a backend does so by itself.
    async fn sweep(&self);
}

/// A clock that a test sets.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000_000)))
    }
}

impl TestClock {
    /// What the log is given.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let now_ms = Arc::clone(&self.0);
        Clock::from_fn(move || now_ms.load(Ordering::SeqCst))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }

    /// Moves the clock back, as a correction of the system's time does.
    pub fn step_back(&self, by: Duration) {
        self.0.fetch_sub(u64::try_from(by.as_millis()).unwrap_or(0), Ordering::SeqCst);
    }
}

/// Makes one `#[tokio::test]` of each promise; `$make` turns a retention and a clock into a [`Backend`].
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::conformance_tests! { $make;
            an_event_is_read_back_as_it_was_appended,
            the_same_id_is_appended_once,
            the_same_id_of_another_source_or_topic_is_another_event,
            an_id_is_forgotten_after_the_window,
            twins_at_once_are_appended_once,
            positions_count_without_holes,
            pages_are_bounded_in_events_and_bytes,
            a_page_at_the_tail_is_empty,
            the_oldest_go_when_there_are_too_many,
            the_oldest_go_when_they_are_too_large,
            the_oldest_go_when_they_are_too_old,
            a_clock_that_goes_back_does_not_hide_what_is_young,
            a_position_older_than_the_log_is_a_counted_gap,
            a_position_of_another_log_is_a_gap,
            a_position_ahead_of_the_log_is_a_gap,
            an_event_larger_than_a_topic_is_refused,
            a_reader_may_start_anywhere,
            a_watch_hears_every_append_in_order_until_it_is_dropped,
            a_listener_that_watches_twice_is_told_until_both_are_dropped,
            what_is_quarantined_can_be_listed_and_removed,
        }
    };
}

/// Behind [`conformance!`](crate::conformance).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($make:expr; $($promise:ident,)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            let clock = $crate::conformance::TestClock::default();
            let retention = $crate::conformance::retention_of(stringify!($promise));
            let backend = ($make)(retention, &clock);
            $crate::conformance::$promise(&backend, &clock).await;
        }
    )* };
}

/// The retention a promise is tested with.
#[must_use]
pub fn retention_of(promise: &str) -> Retention {
    match promise {
        "the_oldest_go_when_there_are_too_many"
        | "a_position_older_than_the_log_is_a_counted_gap" => {
            Retention { events: 5, ..Retention::default() }
        }
        "the_oldest_go_when_they_are_too_large" | "an_event_larger_than_a_topic_is_refused" => {
            Retention { bytes: 4_096, ..Retention::default() }
        }
        _ => Retention::default(),
    }
}

/// An event with `id` and a text.
#[must_use]
pub fn event(topic: &str, id: &str, text: &str) -> Event {
    Event {
        id: EventId::parse(id).expect("a test's id is valid"),
        source: SourceUri::parse("/webhooks/test").expect("a test's source is valid"),
        topic: Topic::parse(topic).expect("a test's topic is valid"),
        event_type: EventType::parse("test").expect("a test's type is valid"),
        time: EventTime::from_unix_ms(1_700_000_000_000),
        data: Data::from(Payload::Text(text.into())),
        key: None,
        extensions: Vec::new(),
    }
}

/// Notes what it is told.
#[derive(Debug, Default)]
struct Heard {
    entries: Mutex<Vec<Entry>>,
    more: tokio::sync::Notify,
}

impl Listener for Heard {
    fn published(&self, entries: &[Entry]) {
        self.entries.lock().unwrap().extend_from_slice(entries);
        self.more.notify_one();
    }

    fn interrupted(&self) {}
}

impl Heard {
    async fn wait_for(&self, count: usize) {
        let heard = async {
            while self.entries.lock().unwrap().len() < count {
                self.more.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), heard).await.expect("every append is heard");
    }
}

fn topic() -> Topic {
    Topic::parse("t").expect("a test's topic is valid")
}

async fn fill(log: &Arc<dyn Log>, count: usize) -> Vec<Position> {
    let mut positions = Vec::new();
    for n in 0..count {
        let appended =
            log.append(event("t", &format!("id-{n}"), &format!("text {n}"))).await.unwrap();
        positions.push(appended.position());
    }
    positions
}

async fn read_all(log: &Arc<dyn Log>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut after = log.locate(&topic(), Start::Earliest).await.unwrap();
    loop {
        let page = log.read_after(&topic(), after, PageLimit::BACKFILL).await.unwrap();
        assert_eq!(page.gap, None);
        let Some(last) = page.entries.last() else {
            return entries;
        };
        after = last.position;
        entries.extend(page.entries);
    }
}

fn ids(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.event.id.as_str().to_owned()).collect()
}

macro_rules! promises {
    ($($(#[$doc:meta])* $name:ident |$backend:ident, $clock:ident| $body:block)*) => { $(
        $(#[$doc])*
        ///
        /// # Panics
        ///
        /// When the backend breaks the promise.
        pub async fn $name($backend: &dyn Backend, $clock: &TestClock) $body
    )*

        /// Checks every promise in turn, each on a backend of its own, where making one takes too long for a test each.
        ///
        /// # Panics
        ///
        /// When a backend breaks one; its name is printed last.
        pub async fn every_promise<B: Backend>(make: impl AsyncFn(Retention, &TestClock) -> B) {
            $(
                println!("{}", stringify!($name));
                let clock = TestClock::default();
                let backend = make(retention_of(stringify!($name)), &clock).await;
                $name(&backend, &clock).await;
            )*
        }
    };
}

promises! {
    /// Every attribute and byte comes back.
    an_event_is_read_back_as_it_was_appended |backend, _clock| {
        let log = backend.log();
        let mut binary = event("t", "binary", "");
        binary.data = Data {
            payload: Payload::Binary(Bytes::from_static(b"\xff\0\r\n")),
            content_type: Some("application/x".into()),
        };
        binary.key = Some("k".into());
        let text = event("t", "text", "𝄞 \0 data: x\r\n\r\n");
        for one in [&binary, &text] {
            assert!(matches!(log.append(one.clone()).await.unwrap(), Appended::New(_)));
        }
        let read: Vec<Event> = read_all(&log).await.iter().map(|entry| (*entry.event).clone()).collect();
        assert_eq!(read, [binary, text]);
    }

    /// The second append answers with the first one's position.
    the_same_id_is_appended_once |backend, _clock| {
        let log = backend.log();
        let first = log.append(event("t", "a", "1")).await.unwrap();
        let second = log.append(event("t", "a", "2")).await.unwrap();
        assert_eq!(second, Appended::Duplicate(first.position()));
        assert_eq!(read_all(&log).await.len(), 1);
    }

    /// The key of deduplication is topic, source and id.
    the_same_id_of_another_source_or_topic_is_another_event |backend, _clock| {
        let log = backend.log();
        let mut other_source = event("t", "a", "");
        other_source.source = SourceUri::parse("/webhooks/other").unwrap();
        for one in [event("t", "a", ""), other_source, event("u", "a", "")] {
            assert!(matches!(log.append(one).await.unwrap(), Appended::New(_)));
        }
    }

    /// Inside the window it is a duplicate, after it a new event.
    an_id_is_forgotten_after_the_window |backend, clock| {
        let log = backend.log();
        log.append(event("t", "a", "")).await.unwrap();
        clock.advance(Duration::from_secs(3_599));
        assert!(matches!(log.append(event("t", "a", "")).await.unwrap(), Appended::Duplicate(_)));
        clock.advance(Duration::from_secs(2));
        assert!(matches!(log.append(event("t", "a", "")).await.unwrap(), Appended::New(_)));
    }

    /// However concurrently it is pushed.
    twins_at_once_are_appended_once |backend, _clock| {
        let log = backend.log();
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..200 {
            let log = Arc::clone(&log);
            calls.spawn(async move { log.append(event("t", &format!("{}", n % 10), "")).await.unwrap() });
        }
        let answers = calls.join_all().await;
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Appended::New(_))).count(), 10);
        assert_eq!(read_all(&log).await.len(), 10);
    }

    /// One, two, three in one generation, also under concurrent appends.
    positions_count_without_holes |backend, _clock| {
        let log = backend.log();
        let before = log.locate(&topic(), Start::Tail).await.unwrap();
        assert_eq!(before.k, 0);
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..300 {
            let log = Arc::clone(&log);
            calls.spawn(async move { log.append(event("t", &format!("{n}"), "")).await.unwrap() });
        }
        calls.join_all().await;
        let mut previous = before;
        for entry in read_all(&log).await {
            assert_eq!((entry.previous, entry.position), (previous, previous.next()));
            previous = entry.position;
        }
        assert_eq!(previous.k, 300);
        assert_eq!(log.locate(&topic(), Start::Tail).await.unwrap(), previous);
    }

    /// The first entry always fits.
    pages_are_bounded_in_events_and_bytes |backend, _clock| {
        let log = backend.log();
        let positions = fill(&log, 10).await;
        let start = log.locate(&topic(), Start::Earliest).await.unwrap();
        let by_events = PageLimit { events: 3, bytes: usize::MAX };
        let page = log.read_after(&topic(), start, by_events).await.unwrap();
        assert_eq!(page.entries.last().unwrap().position, positions[2]);
        let by_bytes = PageLimit { events: 100, bytes: 1 };
        let page = log.read_after(&topic(), positions[2], by_bytes).await.unwrap();
        assert_eq!(ids(&page.entries), ["id-3"]);
    }

    /// Of a topic with entries and of one without.
    a_page_at_the_tail_is_empty |backend, _clock| {
        let log = backend.log();
        for _ in 0..2 {
            let tail = log.locate(&topic(), Start::Tail).await.unwrap();
            let page = log.read_after(&topic(), tail, PageLimit::BACKFILL).await.unwrap();
            assert!(page.gap.is_none() && page.entries.is_empty());
            log.append(event("t", "a", "")).await.unwrap();
        }
    }

    /// By count.
    the_oldest_go_when_there_are_too_many |backend, _clock| {
        let log = backend.log();
        fill(&log, 12).await;
        backend.sweep().await;
        assert_eq!(ids(&read_all(&log).await), ["id-7", "id-8", "id-9", "id-10", "id-11"]);
    }

    /// By bytes; what is kept is the newest stretch.
    the_oldest_go_when_they_are_too_large |backend, _clock| {
        let log = backend.log();
        for n in 0..20 {
            log.append(event("t", &format!("id-{n}"), &"x".repeat(900))).await.unwrap();
        }
        backend.sweep().await;
        assert_eq!(ids(&read_all(&log).await), ["id-16", "id-17", "id-18", "id-19"]);
    }

    /// By age; the numbers go on.
    the_oldest_go_when_they_are_too_old |backend, clock| {
        let log = backend.log();
        fill(&log, 3).await;
        clock.advance(Duration::from_hours(12));
        let young = log.append(event("t", "young", "")).await.unwrap();
        clock.advance(Duration::from_hours(13));
        backend.sweep().await;
        assert_eq!(ids(&read_all(&log).await), ["young"]);
        clock.advance(Duration::from_hours(13));
        backend.sweep().await;
        assert!(read_all(&log).await.is_empty());
        let next = log.append(event("t", "next", "")).await.unwrap();
        assert_eq!(next.position(), young.position().next());
    }

    /// An entry's age never exceeds that of an older one.
    a_clock_that_goes_back_does_not_hide_what_is_young |backend, clock| {
        let log = backend.log();
        fill(&log, 1).await;
        clock.step_back(Duration::from_hours(30));
        log.append(event("t", "after", "")).await.unwrap();
        clock.advance(Duration::from_hours(31));
        backend.sweep().await;
        assert_eq!(ids(&read_all(&log).await), ["id-0", "after"]);
    }

    /// The page tells how many are missing and goes on with the oldest kept.
    a_position_older_than_the_log_is_a_counted_gap |backend, _clock| {
        let log = backend.log();
        let positions = fill(&log, 12).await;
        backend.sweep().await;
        let page = log.read_after(&topic(), positions[2], PageLimit::BACKFILL).await.unwrap();
        let gap = page.gap.unwrap();
        assert_eq!((gap.reason, gap.missed, gap.certain), (GapReason::Trimmed, Some(4), true));
        assert_eq!(gap.resumed_at, positions[6]);
        assert_eq!(page.entries[0].position, positions[7]);
    }

    /// Everything kept follows.
    a_position_of_another_log_is_a_gap |backend, _clock| {
        let log = backend.log();
        fill(&log, 2).await;
        let page = log.read_after(&topic(), Position::new(1, 1), PageLimit::BACKFILL).await.unwrap();
        assert_eq!(page.gap.unwrap().reason, GapReason::Reset);
        assert_eq!(ids(&page.entries), ["id-0", "id-1"]);
    }

    /// The reader goes on at the tail.
    a_position_ahead_of_the_log_is_a_gap |backend, _clock| {
        let log = backend.log();
        let tail = fill(&log, 2).await[1];
        let ahead = Position::new(tail.generation, tail.k + 10);
        let page = log.read_after(&topic(), ahead, PageLimit::BACKFILL).await.unwrap();
        let gap = page.gap.unwrap();
        assert_eq!((gap.reason, gap.resumed_at), (GapReason::Rollback, tail));
        assert!(page.entries.is_empty());
    }

    /// With an error of its own, and without a trace of it.
    an_event_larger_than_a_topic_is_refused |backend, _clock| {
        let log = backend.log();
        let refused = log.append(event("t", "large", &"x".repeat(5_000))).await;
        assert!(matches!(refused, Err(AppendError::TooLarge { limit_bytes: 4_096, .. })));
        assert!(matches!(log.append(event("t", "large", "")).await.unwrap(), Appended::New(_)));
    }

    /// Tail, earliest, the last few, and since a time.
    a_reader_may_start_anywhere |backend, clock| {
        let log = backend.log();
        let mut positions = fill(&log, 5).await;
        clock.advance(Duration::from_mins(10));
        let since_ms = clock.clock().now_ms();
        positions.push(log.append(event("t", "late", "")).await.unwrap().position());
        let start = positions[0].previous();
        for (asked, found) in [
            (Start::Tail, positions[5]),
            (Start::Earliest, start),
            (Start::Last(0), positions[5]),
            (Start::Last(2), positions[3]),
            (Start::Last(100), start),
            (Start::Since(since_ms), positions[4]),
            (Start::Since(since_ms + 1), positions[5]),
            (Start::Since(0), start),
        ] {
            assert_eq!(log.locate(&topic(), asked).await.unwrap(), found, "{asked:?}");
        }
    }

    /// Only of its topic, and of duplicates nothing.
    a_watch_hears_every_append_in_order_until_it_is_dropped |backend, _clock| {
        let log = backend.log();
        let heard = Arc::new(Heard::default());
        let watch = log.watch(&topic(), Arc::clone(&heard) as Arc<dyn Listener>).await.unwrap();
        fill(&log, 3).await;
        fill(&log, 3).await;
        log.append(event("other", "x", "")).await.unwrap();
        heard.wait_for(3).await;
        drop(watch);
        log.append(event("t", "unheard", "")).await.unwrap();
        let heard = heard.entries.lock().unwrap().clone();
        assert_eq!(ids(&heard), ["id-0", "id-1", "id-2"]);
        assert!(heard.windows(2).all(|pair| pair[1].previous == pair[0].position));
    }

    /// Whose caller went away before it was answered, and who asked again.
    a_listener_that_watches_twice_is_told_until_both_are_dropped |backend, _clock| {
        let log = backend.log();
        let heard = Arc::new(Heard::default());
        let listener = || Arc::clone(&heard) as Arc<dyn Listener>;
        let first = log.watch(&topic(), listener()).await.unwrap();
        let _second = log.watch(&topic(), listener()).await.unwrap();
        drop(first);
        // Answered after the drop has been noticed.
        let other = Arc::new(Heard::default());
        let _other = log.watch(&topic(), Arc::clone(&other) as Arc<dyn Listener>).await.unwrap();
        log.append(event("t", "a", "")).await.unwrap();
        other.wait_for(1).await;
        heard.wait_for(1).await;
    }

    /// Newest first, with everything that was put.
    what_is_quarantined_can_be_listed_and_removed |backend, _clock| {
        let quarantine = backend.quarantine();
        let put = Quarantined {
            id: 0,
            source: "gmail".into(),
            reason: "no base64".into(),
            received_at_ms: 5,
            headers: vec![("content-type".into(), "application/json".into())],
            body: Bytes::from_static(b"\xff{"),
        };
        let first = quarantine.put(put.clone()).await.unwrap();
        let second = quarantine.put(put.clone()).await.unwrap();
        let listed: Vec<u64> = quarantine.list(10).await.unwrap().iter().map(|one| one.id).collect();
        assert_eq!(listed, [second, first]);
        assert_eq!(quarantine.get(first).await.unwrap(), Some(Quarantined { id: first, ..put }));
        quarantine.remove(first).await.unwrap();
        assert_eq!(quarantine.get(first).await.unwrap(), None);
        assert_eq!(quarantine.list(10).await.unwrap().len(), 1);
    }
}
