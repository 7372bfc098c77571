use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::relay::PATIENCE;
use crate::{Relay, Stream};

/// How much load there is, and how it is spread.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Topics, each of which is published to and followed by the same number of streams.
    pub topics: u64,
    /// Publishers, each of which has one request in flight; they take the relays by turns.
    pub publishers: u64,
    /// Streams on each relay.
    pub streams: u64,
    /// Pause of a publisher after an event was accepted.
    pub pace: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self { topics: 4, publishers: 8, streams: 12, pace: Duration::from_millis(5) }
    }
}

/// Numbered events that are published to several relays over one log until each is accepted, and streams that follow
/// them and must never end.
#[derive(Debug)]
pub struct Load {
    relays: Vec<Arc<Relay>>,
    plan: Plan,
    record: Arc<Record>,
    publishers: JoinSet<()>,
    streams: JoinSet<Followed>,
}

#[derive(Debug, Default)]
struct Record {
    next: AtomicU64,
    stop: AtomicBool,
    accepted: Mutex<BTreeSet<u64>>,
    refused: AtomicU64,
    slowest_ms: AtomicU64,
    newest_delivered: AtomicU64,
}

/// What one stream was sent.
#[derive(Debug, Default)]
struct Followed {
    topic: u64,
    /// Cursor and number of each event, in order.
    events: Vec<(String, Value)>,
    gaps: Vec<Value>,
    degraded: usize,
}

/// What became of everything.
#[derive(Debug)]
pub struct Outcome {
    /// Events that were answered 200.
    pub accepted: usize,
    /// Those of them that are not in the log.
    pub lost: usize,
    /// Answers that were not 200; the event was published again.
    pub refused: u64,
    /// Gaps that each stream was told of, those that are certain and all.
    pub gaps: Vec<Vec<Value>>,
    /// Streams that said that delivery may be late.
    pub degraded: usize,
    /// Longest time until an answer.
    pub slowest: Duration,
}

impl Load {
    /// Opens the streams, then starts to publish.
    pub async fn start(relays: &[Arc<Relay>], plan: Plan) -> Self {
        let record = Arc::new(Record::default());
        let mut streams = JoinSet::new();
        for relay in relays {
            for n in 0..plan.streams {
                let topic = n % plan.topics;
                let mut stream = relay.follow(&format!("topic=load/{topic}"), None).await;
                stream.primed().await;
                streams.spawn(follow(stream, topic, Arc::clone(&record)));
            }
        }
        let mut publishers = JoinSet::new();
        for n in 0..plan.publishers {
            publishers.spawn(publish(relays.to_vec(), n, plan, Arc::clone(&record)));
        }
        Self { relays: relays.to_vec(), plan, record, publishers, streams }
    }

    /// How many events were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.record.accepted.lock().unwrap().len()
    }

    /// Waits until so many more events are accepted.
    pub async fn accept(&self, more: usize) {
        let enough = self.accepted() + more;
        self.wait(|| self.accepted() >= enough, "events are accepted").await;
    }

    /// Waits until an event is delivered that nobody has begun to publish yet.
    pub async fn deliver_a_new_one(&self) {
        let next = self.record.next.load(Ordering::SeqCst);
        let newest = || self.record.newest_delivered.load(Ordering::SeqCst);
        self.wait(|| newest() >= next, "a new event is delivered").await;
    }

    async fn wait(&self, done: impl Fn() -> bool, what: &str) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < PATIENCE, "{what}: {} so far", self.accepted());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Stops publishing, lets every stream catch up, and compares what each was sent with the log.
    ///
    /// Every event that is in the log was sent on every stream of its topic once and in order; where an accepted event
    /// is not in the log, every stream of its topic was told of a gap; no id is in the log twice; every relay shows the
    /// same log; no stream has ended.
    pub async fn finish(mut self) -> Outcome {
        self.record.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.publishers.join_next().await {
            ended.unwrap();
        }
        for topic in 0..self.plan.topics {
            accepted(&self.relays, 0, topic, &format!("end-{topic}"), &json!("end"), &self.record)
                .await;
        }
        let streams = tokio::time::timeout(PATIENCE, self.streams.join_all()).await;
        let streams = streams.expect("every stream catches up");
        let accepted = self.record.accepted.lock().unwrap().clone();
        let mut lost = 0;
        for topic in 0..self.plan.topics {
            let log = history(&self.relays[0], topic).await;
            for relay in &self.relays[1..] {
                assert_eq!(history(relay, topic).await, log, "every relay shows the same log");
            }
            let numbers: HashSet<String> = log.iter().map(|(_, n)| n.to_string()).collect();
            assert_eq!(numbers.len(), log.len(), "nothing is in the log twice");
            let of_topic = accepted.iter().filter(|n| *n % self.plan.topics == topic);
            let lost_here = of_topic.filter(|n| !numbers.contains(&n.to_string())).count();
            lost += lost_here;
            for stream in streams.iter().filter(|stream| stream.topic == topic) {
                stream.check(&log, lost_here);
            }
        }
        Outcome {
            accepted: accepted.len(),
            lost,
            refused: self.record.refused.load(Ordering::SeqCst),
            degraded: streams.iter().filter(|stream| stream.degraded > 0).count(),
            gaps: streams.into_iter().map(|stream| stream.gaps).collect(),
            slowest: Duration::from_millis(self.record.slowest_ms.load(Ordering::SeqCst)),
        }
    }
}

impl Outcome {
    /// Whether every stream was only told of losses that are possible, at most so often.
    #[must_use]
    pub fn only_possible_losses(&self, most: usize) -> bool {
        let possible = |gap: &Value| gap["reason"] == "server_changed" && gap["certain"] == false;
        self.gaps.iter().all(|gaps| gaps.len() <= most && gaps.iter().all(possible))
    }
}

impl Followed {
    fn check(&self, log: &[(String, Value)], lost: usize) {
        let cursors: HashSet<&String> = self.events.iter().map(|(cursor, _)| cursor).collect();
        assert_eq!(cursors.len(), self.events.len(), "nothing is sent twice");
        let kept: HashSet<&String> = log.iter().map(|(cursor, _)| cursor).collect();
        let (in_log, gone): (Vec<_>, Vec<_>) =
            self.events.iter().cloned().partition(|(cursor, _)| kept.contains(cursor));
        assert_eq!(in_log, log, "everything in the log is sent, in its order");
        let told = !self.gaps.is_empty();
        assert!(told || (lost == 0 && gone.is_empty()), "{lost} events are lost without a word");
    }
}

async fn publish(relays: Vec<Arc<Relay>>, number: u64, plan: Plan, record: Arc<Record>) {
    while !record.stop.load(Ordering::SeqCst) {
        let n = record.next.fetch_add(1, Ordering::SeqCst);
        let first = usize::try_from(number).unwrap();
        accepted(&relays, first, n % plan.topics, &n.to_string(), &json!(n), &record).await;
        record.accepted.lock().unwrap().insert(n);
        tokio::time::sleep(plan.pace).await;
    }
}

/// Publishes an event until it is accepted, as Pub/Sub does: whatever is not 2xx comes again, perhaps elsewhere.
async fn accepted(
    relays: &[Arc<Relay>],
    first: usize,
    topic: u64,
    id: &str,
    data: &Value,
    record: &Record,
) {
    for relay in relays.iter().cycle().skip(first % relays.len()) {
        let start = Instant::now();
        let request = relay.post(&format!("/topics/load%2F{topic}/events"));
        let answer = request.header("idempotency-key", id).json(data).send().await;
        let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap();
        record.slowest_ms.fetch_max(took_ms, Ordering::SeqCst);
        match answer {
            Ok(answer) if answer.status() == 200 => return,
            Ok(answer) => assert_eq!(answer.status(), 503, "{:?}", answer.text().await),
            Err(_cut) => {}
        }
        record.refused.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads a stream to the event that ends its topic.
async fn follow(mut stream: Stream, topic: u64, record: Arc<Record>) -> Followed {
    let mut followed = Followed { topic, ..Followed::default() };
    loop {
        let event = stream.patient_event().await;
        match event.name.as_str() {
            "hookwire.gap" => followed.gaps.push(event.data),
            "hookwire.degraded" => followed.degraded += 1,
            "hookwire.recovered" => {}
            name if name.starts_with("hookwire.") => panic!("the stream ends: {event:?}"),
            _ => {
                let number = event.payload().clone();
                let is_end = number == "end";
                record.newest_delivered.fetch_max(number.as_u64().unwrap_or(0), Ordering::SeqCst);
                followed.events.push((event.id, number));
                if is_end {
                    return followed;
                }
            }
        }
    }
}

/// Cursor and number of every event in a topic's log.
async fn history(relay: &Relay, topic: u64) -> Vec<(String, Value)> {
    let (mut log, mut after) = (Vec::new(), String::new());
    loop {
        let page = format!("/topics/load%2F{topic}/events?limit=1000&after={after}");
        let page: Value = relay.get(&page).send().await.unwrap().json().await.unwrap();
        let events = page["events"].as_array().unwrap();
        if events.is_empty() && page["gap"].is_null() {
            return log;
        }
        let entry = |entry: &Value| {
            (entry["cursor"].as_str().unwrap().to_owned(), entry["event"]["data"].clone())
        };
        log.extend(events.iter().map(entry));
        after = page["next"].as_str().unwrap().to_owned();
    }
}
