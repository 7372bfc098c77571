//! While Redis is away.

use std::time::{Duration, Instant};

use hookwire_tests::{HttpEvent, gmail_push};
use serde_json::{Value, json};

use super::{Backends, deployed, outcome};

/// Within which a push is answered, whatever is down: two seconds, and what a busy machine adds.
const LIMIT: Duration = Duration::from_secs(5);

fn push(id: u32) -> HttpEvent {
    HttpEvent::post("/webhooks/gmail").json(&gmail_push(&id.to_string(), "a@example.com", 1))
}

#[tokio::test]
async fn a_push_is_queued_where_there_is_a_queue_and_comes_when_redis_is_back() {
    let mut backends = Backends::start(Duration::from_secs(1)).await;
    // The drain may leave Redis alone for half a minute, and the stream must still be there then.
    let functions = backends.functions().set("QUEUE_DELAY", "1s").timeout(Duration::from_mins(5));
    let functions = functions.start().await;
    let mut stream = functions.follow("topic=gmail/a@example.com", None).await;
    stream.primed().await;
    assert_eq!(outcome(&functions.receive.call(push(1)).await.unwrap()).1, "appended");
    assert_eq!(stream.event().await.data["id"], "1");
    // Killed, it may lose what was answered a moment ago.
    backends.redis.terminate().await;
    // The second process has never seen Redis.
    functions.receive.environment().await.kill().await;
    for id in 2..6 {
        let asked = Instant::now();
        let answer = functions.receive.call(push(id)).await.unwrap();
        assert_eq!(outcome(&answer), (200, "queued".to_owned()), "{answer}");
        assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
    }
    assert_eq!(stream.event().await.name, "hookwire.degraded");
    backends.redis.restart().await;
    let mut ids = Vec::new();
    while ids.len() < 4 {
        let event = stream.patient_event().await;
        if event.name == "gmail.history" {
            ids.push(event.data["id"].as_str().unwrap().to_owned());
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, ["2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_push_is_refused_for_a_while_where_there_is_no_queue() {
    let (mut redis, functions) = deployed(|options| options).await;
    for warm in [false, true] {
        if warm {
            assert_eq!(outcome(&functions.receive.call(push(1)).await.unwrap()).0, 200);
        }
        redis.kill().await;
        let asked = Instant::now();
        let answer = functions.receive.call(push(2)).await.unwrap();
        assert_eq!(answer["statusCode"], 503, "{answer}");
        assert!(answer["headers"]["retry-after"].is_string(), "{answer}");
        assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
        redis.restart().await;
        let back = Instant::now();
        while outcome(&functions.receive.call(push(2)).await.unwrap()).0 != 200 {
            assert!(back.elapsed() < Duration::from_secs(60), "it does not come back");
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_opened_meanwhile_waits_for_redis() {
    let (mut redis, functions) = deployed(|options| options).await;
    redis.kill().await;
    let mut stream = functions.follow("topic=a", None).await;
    assert_eq!(stream.event().await.name, "hookwire.degraded");
    let ready = functions.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.unwrap();
    assert!(ready["reasons"].is_array(), "{ready}");
    assert_eq!(functions.get("/healthz").send().await.unwrap().status(), 200);
    redis.restart().await;
    assert_eq!(stream.event().await.name, "hookwire.recovered");
    let back = Instant::now();
    loop {
        let answer = functions.receive.call(super::publish("a", "1", &json!(1))).await.unwrap();
        if answer["statusCode"] == 200 {
            break;
        }
        assert!(back.elapsed() < Duration::from_secs(60), "{answer}");
    }
    assert_eq!(*stream.event().await.payload(), 1);
}
