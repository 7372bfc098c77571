//! What was answered 200 survives `kill -9`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookwire_client::{Follow, Followed};
use hookwire_redis_server::Server;
use hookwire_tests::RelayOptions;
use reqwest::Client;
use serde_json::{Value, json};

const KILLS: usize = 20;
const TOPICS: u64 = 4;
const PUBLISHERS: u64 = 8;

/// Every event that was answered 200: topic and id.
type Accepted = Arc<Mutex<Vec<BTreeSet<u64>>>>;

/// Publishes without a pause until it is told to stop; an event without an answer is tried again until it has one.
async fn publish(address: String, next: Arc<AtomicU64>, accepted: Accepted, stop: Arc<AtomicBool>) {
    let client = Client::builder().no_proxy().build().unwrap();
    while !stop.load(Ordering::SeqCst) {
        let id = next.fetch_add(1, Ordering::SeqCst);
        let topic = id % TOPICS;
        loop {
            let request = client.post(format!("http://{address}/topics/topic-{topic}/events"));
            let request = request.header("idempotency-key", id.to_string()).json(&json!(id));
            match request.send().await {
                Ok(answer) if answer.status() == 200 => break,
                _ => tokio::task::yield_now().await,
            }
        }
        accepted.lock().unwrap()[usize::try_from(topic).unwrap()].insert(id);
    }
}

/// Follows a topic across all restarts and notes every event, in the order in which they come.
async fn follow(address: String, topic: u64, seen: Arc<Mutex<Vec<u64>>>) {
    let url = format!("http://{address}/events?topic=topic-{topic}").parse().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let mut follow = Follow::new(client, url, Some("earliest".into()));
    loop {
        if let Followed::Event(event) = follow.next().await.unwrap() {
            assert!(!event.name.starts_with("hookwire.gap"), "{event:?}");
            let data: Value = serde_json::from_str(&event.data).unwrap();
            seen.lock().unwrap().push(data["data"].as_u64().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_event_is_lost_by_twenty_kills_and_streams_resume_by_themselves() {
    kill_twenty_times(RelayOptions::default().on_disk()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_event_is_lost_by_twenty_kills_beside_redis() {
    let server = Server::start().await;
    kill_twenty_times(RelayOptions::default().log(server.url())).await;
}

async fn kill_twenty_times(options: RelayOptions) {
    let mut relay = options.set("RETRY", "20ms").set("RING_EVENTS", 16).start().await;
    let accepted: Accepted = Arc::new(Mutex::new(vec![BTreeSet::new(); TOPICS as usize]));
    let (next, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let seen: Vec<Arc<Mutex<Vec<u64>>>> = (0..TOPICS).map(|_| Arc::default()).collect();
    let mut followers = tokio::task::JoinSet::new();
    for topic in 0..TOPICS {
        let seen = Arc::clone(&seen[topic as usize]);
        followers.spawn(follow(relay.address().to_owned(), topic, seen));
    }
    let mut publishers = tokio::task::JoinSet::new();
    for _ in 0..PUBLISHERS {
        let (next, accepted, stop) = (Arc::clone(&next), Arc::clone(&accepted), Arc::clone(&stop));
        publishers.spawn(publish(relay.address().to_owned(), next, accepted, stop));
    }
    let count = || accepted.lock().unwrap().iter().map(BTreeSet::len).sum::<usize>();
    let mut rng = fastrand::Rng::with_seed(7);
    for kill in 0..KILLS {
        // Load first, then the kill at a random moment of it.
        let enough = count() + rng.usize(20..120);
        while count() < enough {
            tokio::task::yield_now().await;
        }
        relay.kill().await;
        println!("kill {kill} after {} accepted events", count());
        relay.restart().await;
    }
    stop.store(true, Ordering::SeqCst);
    publishers.join_all().await;

    for topic in 0..TOPICS {
        let wanted = accepted.lock().unwrap()[topic as usize].clone();
        let mut at_log = Vec::new();
        let mut after = String::new();
        loop {
            let page = relay.get(&format!("/topics/topic-{topic}/events?limit=1000&after={after}"));
            let page: Value = page.send().await.unwrap().json().await.unwrap();
            let events = page["events"].as_array().unwrap();
            if events.is_empty() {
                break;
            }
            at_log.extend(events.iter().map(|entry| entry["event"]["data"].as_u64().unwrap()));
            after = page["next"].as_str().unwrap().to_owned();
        }
        let kept: BTreeSet<u64> = at_log.iter().copied().collect();
        assert!(
            wanted.is_subset(&kept),
            "lost: {:?}",
            wanted.difference(&kept).collect::<Vec<_>>()
        );
        assert_eq!(kept.len(), at_log.len(), "nothing twice in the log");
        let caught_up = async {
            while seen[topic as usize].lock().unwrap().len() < at_log.len() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), caught_up)
            .await
            .expect("the stream catches up");
        assert_eq!(*seen[topic as usize].lock().unwrap(), at_log, "each once, in the log's order");
    }
    println!("{} events were accepted across {KILLS} kills", count());
}
