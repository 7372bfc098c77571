//! SQS hands batches over, and deletes what is not reported as failed.

use std::time::{Duration, SystemTime};

use hookwire_sqs_server::Depth;
use serde_json::json;

use super::Backends;
use crate::queue::{next_id, spilled, until};

#[tokio::test]
async fn of_a_batch_what_is_good_is_appended_and_what_is_not_is_buried_at_last() {
    let backends = Backends::start(Duration::from_secs(1)).await;
    let functions = backends.functions().set("QUEUE_DELAY", "1s").start().await;
    let queue = &backends.queues.queue;
    let mut stream = functions.follow("topic=t", None).await;
    stream.primed().await;
    let now = SystemTime::now();
    let record = |n: u32| match n % 4 {
        3 => format!("poison {n}"),
        _ => spilled("t", &n.to_string(), "x", now + Duration::from_millis(n.into())),
    };
    let entry = |n: u32| json!({ "Id": n.to_string(), "MessageBody": record(n) });
    for first in [0, 10] {
        let entries: Vec<_> = (first..first + 10).map(entry).collect();
        queue.call("SendMessageBatch", json!({ "Entries": entries })).await.unwrap();
    }
    let mut ids = Vec::new();
    while ids.len() < 15 {
        ids.push(next_id(&mut stream).await.parse::<u32>().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..20).filter(|n| n % 4 != 3).collect::<Vec<_>>());
    until("the queue is empty", async || queue.depth().await == Depth::default()).await;
    let buried = backends.queues.dead_letters.peek().await;
    assert_eq!(buried.len(), 5);
    assert!(buried.iter().all(|letter| letter.body.starts_with("poison")));
    let history = functions.get("/topics/t/events").send().await.unwrap();
    let history: serde_json::Value = history.json().await.unwrap();
    assert_eq!(history["events"].as_array().unwrap().len(), 15, "{history}");
}

#[tokio::test]
async fn while_redis_is_away_nothing_is_deleted_or_buried() {
    let mut backends = Backends::start(Duration::from_secs(1)).await;
    backends.redis.kill().await;
    // The drain leaves a Redis alone for half a minute that failed it.
    let functions = backends.functions().timeout(Duration::from_mins(5)).start().await;
    let queue = &backends.queues.queue;
    for n in 0..5 {
        queue.send(&spilled("t", &n.to_string(), "x", SystemTime::now())).await;
    }
    until("the function has met each of them more than once", async || {
        queue.peek().await.iter().all(|message| message.receive_count >= 2)
    })
    .await;
    let Depth { visible, in_flight, delayed } = queue.depth().await;
    assert_eq!(visible + in_flight + delayed, 5);
    backends.redis.restart().await;
    let mut stream = functions.follow("topic=t&earliest", None).await;
    let mut ids = Vec::new();
    while ids.len() < 5 {
        let event = stream.patient_event().await;
        if !event.name.starts_with("hookwire.") {
            ids.push(event.data["id"].as_str().unwrap().to_owned());
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, ["0", "1", "2", "3", "4"]);
    assert_eq!(backends.queues.dead_letters.depth().await, Depth::default());
}
