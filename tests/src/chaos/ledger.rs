use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::TOPICS;
use super::browser::{END, Seen};
use crate::Api;

/// What was acknowledged, against which everything is held at the end.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    acknowledged: Mutex<BTreeMap<u64, String>>,
    refused: AtomicU64,
    slowest_ms: AtomicU64,
}

impl Ledger {
    pub(crate) fn acknowledged(&self, number: u64, outcome: &str) {
        self.acknowledged.lock().unwrap().insert(number, outcome.to_owned());
    }

    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn took(&self, time: Duration) {
        self.slowest_ms.fetch_max(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_millis(self.slowest_ms.load(Ordering::SeqCst))
    }

    pub(crate) fn queued(&self) -> u64 {
        let outcomes = self.acknowledged.lock().unwrap();
        outcomes.values().filter(|outcome| *outcome == "queued").count() as u64
    }

    /// Publishes the event that ends each topic.
    pub(crate) async fn end(&self, api: &Api) {
        for topic in 0..TOPICS {
            api.publish(&format!("chaos%2F{topic}"), &format!("{END}-{topic}"), &json!(0)).await;
        }
    }

    /// Every acknowledged event is in the log once, and was seen by every browser of its topic: once, or again behind a gap.
    /// Returns how many were seen again, and how many are lost because only the log had them.
    pub(crate) async fn check(
        &self,
        apis: &[Api],
        logged: &str,
        browsers: &[Seen],
    ) -> (usize, usize) {
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        let (mut repeated, mut unprotected) = (0, 0);
        for topic in 0..TOPICS {
            let log = ids(&apis[0], topic).await;
            for other in &apis[1..] {
                assert_eq!(ids(other, topic).await, log, "all of them show one log");
            }
            let in_log: HashSet<&String> = log.iter().collect();
            assert_eq!(in_log.len(), log.len(), "an event is in the log twice");
            let of_topic = acknowledged.iter().filter(|(number, _)| *number % TOPICS == topic);
            for (number, outcome) in of_topic {
                let id = format!("message-{number}");
                if !in_log.contains(&id) {
                    // Where the log's answer is enough, a queue that is slower than a push may take is one that failed.
                    let line = format!("only the log has an event event.id={id}\n");
                    let unmirrored = logged.contains(&line);
                    assert!(unmirrored, "{id} was {outcome} and is not in the log");
                    unprotected += 1;
                }
            }
            for seen in browsers.iter().filter(|seen| seen.topic == topic) {
                repeated += seen.check(&log);
            }
        }
        (repeated, unprotected)
    }
}

impl Seen {
    fn check(&self, log: &[String]) -> usize {
        let ids: HashSet<&String> = self.ids.iter().collect();
        for id in log {
            assert!(ids.contains(id), "a browser never saw {id}");
        }
        if self.gaps == 0 {
            assert_eq!(self.ids, log, "a browser that was told of no gap saw the log as it is");
        }
        let repeated = self.ids.len() - ids.len();
        assert!(repeated == 0 || self.gaps > 0, "a browser saw {repeated} again without a word");
        repeated
    }
}

/// The id of every event in a topic's log.
async fn ids(api: &Api, topic: u64) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let page = format!("/topics/chaos%2F{topic}/events?limit=1000&after={after}");
        let page: Value = api.get(&page).send().await.unwrap().json().await.unwrap();
        let events = page["events"].as_array().unwrap();
        if events.is_empty() && page["gap"].is_null() {
            return ids;
        }
        ids.extend(events.iter().map(|entry| entry["event"]["id"].as_str().unwrap().to_owned()));
        after = page["next"].as_str().unwrap().to_owned();
    }
}
