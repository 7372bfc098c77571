//! Sessions that are cut and resumed at random, over every log, with a ring that they fall out of.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use hookwire_redis_server::Server;
use hookwire_tests::{Relay, RelayOptions};
use serde_json::json;

const SEEDS: u64 = 20;
const EVENTS: usize = 10_000;
const TOPICS: usize = 20;
const SESSIONS: usize = 50;

/// What was appended to each topic, in order.
type Appended = Vec<Vec<usize>>;

/// Publishes every event, many at a time; the log's order is read back from the positions it answered.
async fn publish(relay: Arc<Relay>, seed: u64, mut rng: Rng) -> Appended {
    const AT_ONCE: usize = 64;
    let next = Arc::new(AtomicUsize::new(0));
    let topics: Arc<Vec<usize>> = Arc::new((0..EVENTS).map(|_| rng.usize(0..TOPICS)).collect());
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (relay, next, topics) = (Arc::clone(&relay), Arc::clone(&next), Arc::clone(&topics));
        workers.spawn(async move {
            let mut appended = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let Some(topic) = topics.get(n) else { return appended };
                let name = format!("seed-{seed}%2F{topic}");
                let answer = relay.publish(&name, &n.to_string(), &json!(n)).await;
                let (_, k) = answer["cursor"].as_str().unwrap().split_once('-').unwrap();
                appended.push((*topic, k.parse::<usize>().unwrap(), n));
            }
        });
    }
    let mut all: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    all.sort_unstable();
    let mut appended = vec![Vec::new(); TOPICS];
    for (topic, k, n) in all {
        appended[topic].push(n);
        assert_eq!(appended[topic].len(), k, "positions have no holes");
    }
    appended
}

/// Follows some topics to the event that ends each, cutting the stream at random points, and returns what came.
async fn follow(relay: Arc<Relay>, seed: u64, mut rng: Rng) -> HashMap<usize, Vec<usize>> {
    let count = [1, 1, 2, 5][rng.usize(0..4)];
    let topics = rng.choose_multiple(0..TOPICS, count);
    let query: Vec<String> =
        topics.iter().map(|topic| format!("topic=seed-{seed}/{topic}")).collect();
    let query = query.join("&");
    let mut seen: HashMap<usize, Vec<usize>> =
        topics.iter().map(|topic| (*topic, Vec::new())).collect();
    let (mut cursor, mut open) = ("earliest".to_owned(), topics.len());
    while open > 0 {
        let mut stream = match rng.bool() {
            true => relay.follow(&query, Some(&cursor)).await,
            false => relay.follow(&format!("{query}&lastEventId={cursor}"), None).await,
        };
        let cut_after = if rng.u8(0..4) == 0 { rng.usize(0..3) } else { rng.usize(0..800) };
        for _ in 0..cut_after {
            let event = stream.event().await;
            assert!(!event.name.starts_with("hookwire."), "{event:?}");
            cursor = event.id;
            let subject = event.data["subject"].as_str().unwrap();
            let topic: usize = subject.rsplit('/').next().unwrap().parse().unwrap();
            match event.data["data"].as_u64() {
                Some(n) => seen.get_mut(&topic).unwrap().push(usize::try_from(n).unwrap()),
                None => open -= 1,
            }
            if open == 0 {
                break;
            }
        }
    }
    seen
}

async fn run(relay: &Arc<Relay>, seed: u64) {
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let mut sessions = tokio::task::JoinSet::new();
    for _ in 0..SESSIONS {
        sessions.spawn(follow(Arc::clone(relay), seed, rng.fork()));
    }
    let appended = publish(Arc::clone(relay), seed, rng.fork()).await;
    for topic in 0..TOPICS {
        relay.publish(&format!("seed-{seed}%2F{topic}"), "end", &json!("end")).await;
    }
    for seen in sessions.join_all().await {
        for (topic, events) in seen {
            assert_eq!(events, appended[topic], "seed {seed}, topic {topic}");
        }
    }
}

async fn race(options: RelayOptions) {
    let relay = Arc::new(options.set("RING_EVENTS", 4).start().await);
    for seed in 0..SEEDS {
        run(&relay, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_over_memory_sees_every_event_once_in_order() {
    race(RelayOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_over_the_disk_sees_every_event_once_in_order() {
    race(RelayOptions::default().on_disk()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_over_redis_sees_every_event_once_in_order() {
    let server = Server::start().await;
    race(RelayOptions::default().log(server.url())).await;
}

/// Opens streams while their topic's first and only event is being published.
async fn open_while_published(options: RelayOptions) {
    let relay = options.start().await;
    for n in 0..1_000 {
        let query = format!("topic=fresh-{n}&earliest");
        let opened = async { relay.follow(&query, None).await.event().await };
        let (topic, data) = (format!("fresh-{n}"), json!(n));
        let (event, _) = tokio::join!(opened, relay.publish(&topic, "1", &data));
        assert_eq!(*event.payload(), n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_appended_to_memory_while_its_stream_opens_is_not_lost() {
    open_while_published(RelayOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_appended_to_the_disk_while_its_stream_opens_is_not_lost() {
    open_while_published(RelayOptions::default().on_disk()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_appended_to_redis_while_its_stream_opens_is_not_lost() {
    let server = Server::start().await;
    open_while_published(RelayOptions::default().log(server.url())).await;
}
