//! Polling: a stream that was quiet for a while ends, and the browser comes back after its `retry`.

use std::time::{Duration, Instant};

use hookwire_tests::{Deployment, Stream};
use serde_json::{Value, json};

use super::deployed;

const LINGER: Duration = Duration::from_secs(2);

async fn polling() -> (hookwire_redis_server::Server, Deployment) {
    deployed(|options| options.set("LINGER", "2s").set("RETRY", "1s").set("HEARTBEAT", "500ms"))
        .await
}

/// What a stream brings to its end, the cursor there, and when the browser comes back.
async fn read(stream: &mut Stream) -> (Vec<Value>, String, Duration) {
    let mut events = Vec::new();
    loop {
        let event = stream.next().await.expect("a stream says when it ends");
        if event.name == "hookwire.closing" {
            assert_eq!(event.data["reason"], "idle");
            assert_eq!(stream.next().await, None, "nothing follows");
            let retry = stream.retry().expect("it says when to come back");
            return (events, event.id, retry);
        }
        assert!(!event.name.starts_with("hookwire."), "{event:?}");
        events.push(event.payload().clone());
    }
}

#[tokio::test]
async fn a_quiet_stream_ends_and_the_next_brings_what_came_between() {
    let (_redis, functions) = polling().await;
    let mut cursor: Option<String> = None;
    let mut seen = Vec::new();
    for round in 0..4 {
        let opened = Instant::now();
        let mut stream = functions.follow("topic=a", cursor.as_deref()).await;
        stream.primed().await;
        if round == 2 {
            functions.publish("a", "during", &json!("during")).await;
        }
        let (events, id, retry) = read(&mut stream).await;
        assert!(
            opened.elapsed() >= LINGER,
            "heartbeats are no events, and are no end: {:?}",
            opened.elapsed()
        );
        assert!(!id.is_empty() && retry >= Duration::from_millis(500), "{id} {retry:?}");
        seen.extend(events);
        cursor = Some(id);
        for n in 0..round {
            functions.publish("a", &format!("{round} {n}"), &json!([round, n])).await;
        }
    }
    assert_eq!(json!(seen), json!([[1, 0], "during", [2, 0], [2, 1]]));
    assert_eq!(functions.stream.environment().await.begun(), 4, "each of them ended in time");
}

#[tokio::test]
async fn a_stream_that_is_not_quiet_does_not_end() {
    let (_redis, functions) = polling().await;
    let mut stream = functions.follow("topic=a", None).await;
    stream.primed().await;
    let opened = Instant::now();
    let mut published = 0;
    while opened.elapsed() < 3 * LINGER {
        functions.publish("a", &published.to_string(), &json!(published)).await;
        assert_eq!(*stream.event().await.payload(), published);
        published += 1;
        tokio::time::sleep(LINGER / 8).await;
    }
    let (events, ..) = read(&mut stream).await;
    assert_eq!(events, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_polls_sees_each_event_once_and_in_order() {
    const EVENTS: u64 = 150;
    let (_redis, functions) = polling().await;
    let mut stream = functions.follow("topic=a", None).await;
    stream.primed().await;
    let publishing = async {
        for n in 0..EVENTS {
            functions.publish("a", &n.to_string(), &json!(n)).await;
            // Every now and then long enough for a stream to end, and for the next to come too late.
            if n % 50 == 49 {
                tokio::time::sleep(LINGER * 2).await;
            }
        }
    };
    let following = async {
        let (mut seen, mut polls) = (Vec::new(), 1);
        while seen.len() < usize::try_from(EVENTS).unwrap() {
            let event = stream.next().await.expect("a stream says when it ends");
            if event.name == "hookwire.closing" {
                stream = functions.follow("topic=a", Some(&event.id)).await;
                polls += 1;
            } else {
                seen.push(event.payload().as_u64().unwrap());
            }
        }
        (seen, polls)
    };
    let ((), (seen, polls)) = tokio::join!(publishing, following);
    assert_eq!(seen, (0..EVENTS).collect::<Vec<_>>());
    assert!(polls >= 3, "{polls}");
}
