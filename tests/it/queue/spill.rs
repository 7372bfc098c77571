use std::time::{Duration, Instant};

use hookwire_sqs_server::{Depth, Fault};
use hookwire_tests::{Relay, gmail_push};
use serde_json::{Value, json};

use super::Backends;
use super::drain::until;

/// Within which a push is answered, whatever is down: two seconds, and what a busy machine adds.
const LIMIT: Duration = Duration::from_secs(4);

/// Pushes a Gmail notification, and returns the status, the answer and how long it took.
async fn push(relay: &Relay, id: &str) -> (u16, Value, Duration) {
    let start = Instant::now();
    let answer = relay.push("gmail", &gmail_push(id, "a@example.com", 1)).await;
    (answer.status().as_u16(), answer.json().await.unwrap(), start.elapsed())
}

#[tokio::test]
async fn what_redis_cannot_take_is_queued_and_comes_when_it_is_back() {
    let mut backends = Backends::start().await;
    let relay = backends.relay().start().await;
    let mut stream = relay.follow("topic=gmail/a@example.com", None).await;
    stream.primed().await;
    assert_eq!(push(&relay, "1").await.1["outcome"], "appended");
    assert_eq!(stream.event().await.data["id"], "1");

    backends.redis.kill().await;
    for id in ["2", "3", "4", "5", "6", "7", "8"] {
        let (status, answer, took) = push(&relay, id).await;
        assert_eq!((status, &answer), (200, &json!({ "outcome": "queued", "id": id })));
        assert!(took < LIMIT, "{took:?}");
    }
    assert_eq!(stream.event().await.name, "hookwire.degraded");

    backends.redis.restart().await;
    let mut ids = Vec::new();
    while ids.len() < 7 {
        let event = stream.event().await;
        match event.name.as_str() {
            // The queue need not have everything that Redis may have lost.
            "hookwire.gap" => assert_eq!(event.data["reason"], "server_changed"),
            "gmail.history" => ids.push(event.data["id"].as_str().unwrap().to_owned()),
            other => panic!("{other}, and what is queued has not come"),
        }
    }
    assert_eq!(
        ids,
        ["2", "3", "4", "5", "6", "7", "8"],
        "in the order in which they were accepted"
    );
    let readiness: Value = relay.get("/readyz").send().await.unwrap().json().await.unwrap();
    assert_eq!(readiness["ready"], true);
    assert!(readiness["degraded"][0].as_str().unwrap().contains("queue"), "{readiness}");
    assert_eq!(stream.event().await.name, "hookwire.recovered");
    let readiness: Value = relay.get("/readyz").send().await.unwrap().json().await.unwrap();
    assert_eq!(readiness, json!({ "ready": true }));
    assert_eq!(backends.queues.dead_letters.depth().await, Depth::default());
    // The same push again is known, whichever way its event came.
    assert_eq!(push(&relay, "5").await.1["outcome"], "duplicate");
}

#[tokio::test]
async fn with_both_down_the_sender_keeps_it_and_it_comes_once_by_its_retry() {
    let backends = Backends::start().await;
    let relay = backends.relay().start().await;
    let mut stream = relay.follow("topic=gmail/a@example.com", None).await;
    stream.primed().await;
    for fault in [Fault::Hang, Fault::Refuse, Fault::Fail] {
        backends.redis.pause();
        backends.faults.set(fault);
        for _ in 0..8 {
            let (status, problem, took) = push(&relay, &format!("{fault:?}")).await;
            assert_eq!(status, 503, "{problem}");
            assert!(took < LIMIT, "{fault:?} took {took:?}");
        }
        let refused = relay.push("gmail", &gmail_push("x", "a@example.com", 1)).await;
        assert!(refused.headers().contains_key("retry-after"));
        backends.redis.resume();
        backends.faults.set(Fault::None);
        let start = Instant::now();
        while push(&relay, &format!("{fault:?}")).await.0 != 200 {
            assert!(start.elapsed() < Duration::from_secs(60), "neither comes back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        while stream.event().await.data["id"] != format!("{fault:?}") {}
    }
    until("nothing is late", async || {
        let ready: Value = relay.get("/readyz").send().await.unwrap().json().await.unwrap();
        ready == json!({ "ready": true })
    })
    .await;
    let history = relay.get("/topics/gmail%2Fa@example.com/events").send().await.unwrap();
    let history: Value = history.json().await.unwrap();
    let ids = history["events"].as_array().unwrap().iter().map(|entry| &entry["event"]["id"]);
    for fault in ["Hang", "Refuse", "Fail"] {
        assert_eq!(ids.clone().filter(|id| **id == fault).count(), 1, "{fault}: {history}");
    }
}

#[tokio::test]
async fn an_answer_that_the_queue_must_give_is_waited_for() {
    let backends = Backends::start().await;
    let relay = backends.relay().set("ACK", "queue").start().await;
    assert_eq!(push(&relay, "1").await.0, 200);
    backends.faults.set(Fault::Fail);
    assert_eq!(push(&relay, "2").await.0, 503, "in the log, which is not enough");
    backends.faults.set(Fault::None);
    let start = Instant::now();
    let answer = loop {
        let (status, answer, _) = push(&relay, "2").await;
        if status == 200 {
            break answer;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the queue does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(answer["outcome"], "duplicate");
    assert_eq!(backends.queues.queue.depth().await.delayed, 2, "both are mirrored");
}

#[tokio::test]
async fn what_the_queue_did_not_take_in_time_is_sent_when_it_is_back() {
    let backends = Backends::start().await;
    let relay = backends.relay().start().await;
    backends.faults.set(Fault::Refuse);
    for id in ["1", "2", "3"] {
        assert_eq!(push(&relay, id).await.1["outcome"], "appended", "the log's answer is enough");
    }
    assert_eq!(backends.queues.queue.depth().await.delayed, 0);
    backends.faults.set(Fault::None);
    until("all are mirrored", async || backends.queues.queue.depth().await.delayed >= 3).await;
}

#[tokio::test]
async fn with_fallback_only_what_the_log_did_not_take_goes_to_the_queue() {
    let mut backends = Backends::start().await;
    let relay = backends.relay().set("DURABILITY", "fallback").start().await;
    for n in 0..20 {
        assert_eq!(push(&relay, &n.to_string()).await.1["outcome"], "appended");
    }
    assert_eq!(backends.faults.calls("SendMessageBatch"), 0);
    backends.redis.kill().await;
    assert_eq!(push(&relay, "spilled").await.1["outcome"], "queued");
    assert_eq!(backends.faults.calls("SendMessageBatch"), 1);
}

#[tokio::test]
async fn a_notification_that_can_never_be_an_event_is_kept_also_without_redis() {
    let mut backends = Backends::start().await;
    let relay = backends.relay().start().await;
    backends.redis.kill().await;
    let unusable = json!({ "message": { "data": "!!", "messageId": "1" } });
    let answer: Value = relay.push("gmail", &unusable).await.json().await.unwrap();
    assert_eq!(answer["outcome"], "quarantined", "{answer}");
    backends.redis.restart().await;
    until("it is in the quarantine", async || {
        let list = relay.get("/admin/quarantine").send().await.unwrap();
        let list: Value = list.json().await.unwrap();
        list["notifications"][0]["reason"].as_str().is_some_and(|why| why.contains("base64"))
    })
    .await;
}

#[tokio::test]
async fn a_relay_without_a_queue_knows_nothing_of_one() {
    let relay = Relay::start().await;
    assert_eq!(push(&relay, "1").await.1, json!({ "outcome": "appended", "id": "1" }));
    let readiness: Value = relay.get("/readyz").send().await.unwrap().json().await.unwrap();
    assert_eq!(readiness, json!({ "ready": true }));
    let metrics = relay.get("/metrics").send().await.unwrap().text().await.unwrap();
    for word in ["queue", "sqs", "late", "spill", "drain"] {
        let name = format!("hookwire_{word}");
        assert!(!metrics.contains(&name), "{word} is in the metrics");
        assert!(
            !relay.log().to_lowercase().contains(word),
            "{word} is in the log: {}",
            relay.log()
        );
    }
}
