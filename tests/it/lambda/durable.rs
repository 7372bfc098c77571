//! What is answered is done: the process may stand still from that moment on, and for ever.

use std::time::Duration;

use hookwire_sqs_server::Depth;
use hookwire_tests::{Freezing, HttpEvent, RelayOptions, gmail_push};
use serde_json::json;

use super::{Backends, outcome, publish};
use crate::queue::until;

/// Longer than a test takes, so that nothing comes back from the queue meanwhile.
const DELAY: &str = "10m";

async fn depth(backends: &Backends) -> Depth {
    backends.queues.queue.depth().await
}

#[tokio::test]
async fn an_event_that_was_answered_is_in_the_log_and_mirrored_although_the_process_stands_still() {
    let backends = Backends::start(Duration::from_secs(30)).await;
    let functions =
        backends.functions().set("QUEUE_DELAY", DELAY).freezing(Freezing::AfterEachAnswer);
    let functions = functions.reserved(1).start().await;
    let elsewhere = RelayOptions::default().log(backends.redis.url()).start().await;
    for n in 1..=20 {
        let answer = functions.receive.call(publish("a", &n.to_string(), &json!(n))).await.unwrap();
        assert_eq!(outcome(&answer), (200, "appended".to_owned()), "{answer}");
        let mirrored = Depth { delayed: n, ..Depth::default() };
        assert_eq!(depth(&backends).await, mirrored, "event {n} is in the queue, too");
        let history = elsewhere.get("/topics/a/events").send().await.unwrap();
        let history: serde_json::Value = history.json().await.unwrap();
        assert_eq!(history["events"].as_array().unwrap().len() as u64, n, "{history}");
    }
    functions.receive.environment().await.kill().await;
    let mut stream = functions.follow("topic=a&earliest", None).await;
    for n in 1..=20 {
        assert_eq!(*stream.event().await.payload(), n);
    }
}

#[tokio::test]
async fn a_push_that_was_queued_or_quarantined_is_kept_although_the_process_stands_still() {
    let mut backends = Backends::start(Duration::from_secs(1)).await;
    let functions = backends.functions().freezing(Freezing::AfterEachAnswer).start().await;
    backends.redis.kill().await;
    let push = HttpEvent::post("/webhooks/gmail").json(&gmail_push("1", "a@example.com", 1));
    let answer = functions.receive.call(push).await.unwrap();
    assert_eq!(outcome(&answer), (200, "queued".to_owned()), "{answer}");
    let unusable = json!({ "message": { "data": "!!", "messageId": "2" } });
    let push = HttpEvent::post("/webhooks/gmail").json(&unusable);
    let answer = functions.receive.call(push).await.unwrap();
    assert_eq!(outcome(&answer), (200, "quarantined".to_owned()), "{answer}");
    for environment in functions.receive.environments().await {
        environment.kill().await;
    }
    let Depth { visible, in_flight, delayed } = depth(&backends).await;
    assert_eq!(visible + in_flight + delayed, 2);

    backends.redis.restart().await;
    let mut stream = functions.follow("topic=gmail/a@example.com&earliest", None).await;
    loop {
        let event = stream.event().await;
        if !event.name.starts_with("hookwire.") {
            assert_eq!(event.data["id"], "1");
            break;
        }
    }
    until("the other is in the quarantine", async || {
        let list = functions.get("/admin/quarantine").send().await.unwrap();
        let list: serde_json::Value = list.json().await.unwrap();
        list["notifications"].as_array().is_some_and(|list| list.len() == 1)
    })
    .await;
}
