use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::{Ledger, TOPICS};
use crate::pubsub_push;

/// Pushes as Pub/Sub does: what is not answered 2xx is pushed again, after a pause that grows, to any of the relays.
pub(crate) struct Pusher {
    client: Client,
    urls: Vec<String>,
    ledger: Arc<Ledger>,
    rate: u32,
    at_once: Semaphore,
}

impl Pusher {
    const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);
    /// Pushes that wait for an answer at the same time: Pub/Sub pushes less to who refuses, and not more and more.
    const AT_ONCE: usize = 200;
    /// How long an event may take, refusals and all.
    const ACKNOWLEDGED_WITHIN: Duration = Duration::from_mins(5);

    pub(crate) fn new(urls: Vec<String>, ledger: Arc<Ledger>, rate: u32) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
        let at_once = Semaphore::new(Self::AT_ONCE);
        Self { client: client.unwrap(), urls, ledger, rate, at_once }
    }

    /// Begins to push so many events in each second, and returns when all are acknowledged.
    pub(crate) async fn push_all(self, events: u64, mut rng: Rng) {
        let pusher = Arc::new(self);
        let mut turn = interval(Duration::from_secs(1) / pusher.rate);
        let mut pushes = JoinSet::new();
        for number in 0..events {
            turn.tick().await;
            let (pusher, rng) = (Arc::clone(&pusher), rng.fork());
            pushes.spawn(async move { pusher.push(number, rng).await });
        }
        pushes.join_all().await;
    }

    async fn push(&self, number: u64, mut rng: Rng) {
        let data = json!({ "number": number }).to_string();
        let attributes = json!({ "topic": (number % TOPICS).to_string() });
        let push = pubsub_push(&format!("message-{number}"), data.as_bytes(), &attributes);
        let (start, mut pause) = (Instant::now(), Self::SHORTEST_PAUSE);
        loop {
            let url = format!("{}/webhooks/pubsub", self.urls[rng.usize(..self.urls.len())]);
            let permit = self.at_once.acquire().await.unwrap();
            let asked = Instant::now();
            let answer = self.client.post(url).json(&push).send().await;
            drop(permit);
            self.ledger.took(asked.elapsed());
            if let Ok(answer) = answer {
                let status = answer.status();
                let answer: Result<Value, _> = answer.json().await;
                if let (true, Ok(answer)) = (status.is_success(), answer) {
                    self.ledger.acknowledged(number, answer["outcome"].as_str().unwrap());
                    return;
                }
                // The last two are Lambda's: no environment is free, or its process died.
                let by_time = [503, 429, 502].contains(&status.as_u16());
                assert!(by_time, "{status}: nothing but time is wrong with a push");
            }
            self.ledger.refuse();
            let late = start.elapsed() > Self::ACKNOWLEDGED_WITHIN;
            assert!(!late, "event {number} is never acknowledged");
            sleep(pause.mul_f64(0.5 + rng.f64() / 2.0)).await;
            pause = (pause * 2).min(Self::LONGEST_PAUSE);
        }
    }
}
