//! What subscribers are promised while nothing is lost.

use std::time::Duration;

use hookwire_tests::{Relay, RelayOptions};
use serde_json::{Value, json};

#[tokio::test]
async fn a_stream_names_its_cursor_before_its_first_event() {
    let relay = Relay::start().await;
    relay.publish("a", "1", &json!(1)).await;
    let mut stream = relay.follow("topic=a", None).await;
    let cursor = stream.primed().await;
    assert!(stream.retry().is_some());
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(stream.headers["cache-control"], "no-cache, no-transform");
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    drop(stream);
    // It died before any event; what came meanwhile is not lost.
    relay.publish("a", "2", &json!(2)).await;
    let mut stream = relay.follow("topic=a", Some(&cursor)).await;
    assert_eq!(*stream.event().await.payload(), 2);
}

#[tokio::test]
async fn a_stream_starts_wherever_it_is_asked_to() {
    let relay = Relay::start().await;
    for (index, (query, header, first)) in [
        ("lastEventId=", None, None),
        ("lastEventId=@1", None, Some(2)),
        ("last_event_id=@1", None, Some(2)),
        ("lastEventID=@1", None, Some(2)),
        ("last-event-id=@1", None, Some(2)),
        ("lastEventId=@1", Some(3), Some(4)),
        ("last_n=2", Some(0), Some(1)),
        ("earliest", None, Some(0)),
        ("lastEventId=earliest", None, Some(0)),
        ("last_n=2", None, Some(3)),
        ("last_n=0", None, None),
        ("since=1h", None, Some(0)),
        ("since=2100-01-01T00:00:00Z", None, None),
        ("", None, None),
    ]
    .into_iter()
    .enumerate()
    {
        let topic = format!("topic-{index}");
        let mut cursors = Vec::new();
        for n in 0..5 {
            let answer = relay.publish(&topic, &n.to_string(), &json!(n)).await;
            cursors.push(answer["cursor"].as_str().unwrap().to_owned());
        }
        let query = format!("topic={topic}&{}", query.replace("@1", &cursors[1]));
        let header: Option<&str> = header.map(|n: usize| cursors[n].as_str());
        let mut stream = relay.follow(&query, header).await;
        stream.primed().await;
        relay.publish(&topic, "5", &json!("marker")).await;
        let first = first.map_or(json!("marker"), |n| json!(n));
        assert_eq!(*stream.event().await.payload(), first, "{query} {header:?}");
    }
}

#[tokio::test]
async fn many_topics_resume_from_one_cursor() {
    let relay = Relay::start().await;
    let topics: Vec<String> = (0..32).map(|n| format!("topic-{n}")).collect();
    let query = topics.iter().map(|topic| format!("topic={topic}")).collect::<Vec<_>>().join("&");
    let mut stream = relay.follow(&query, None).await;
    stream.primed().await;
    for (n, topic) in topics.iter().enumerate() {
        relay.publish(topic, "1", &json!(n)).await;
    }
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(stream.event().await.id);
    }
    assert!(ids.iter().all(|id| id.len() < 1_000));
    drop(stream);
    let mut stream = relay.follow(&query, ids.last().map(String::as_str)).await;
    let mut rest = Vec::new();
    for _ in 20..32 {
        let event = stream.event().await;
        rest.push(event.payload().as_u64().unwrap());
    }
    rest.sort_unstable();
    rest.dedup();
    assert_eq!(rest.len(), 12, "each of the rest once");
    relay.publish("topic-0", "2", &json!("marker")).await;
    assert_eq!(*stream.event().await.payload(), "marker");
}

#[tokio::test]
async fn a_quiet_stream_is_kept_alive() {
    let relay = RelayOptions::default().set("HEARTBEAT", "100ms").start().await;
    let mut stream = relay.follow("topic=a", None).await;
    stream.raw_until(":\n\n:\n\n:\n\n").await;
}

#[tokio::test]
async fn a_stream_ends_by_itself_and_says_why() {
    let relay = RelayOptions::default().set("MAX_LIFETIME", "1s").start().await;
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    relay.publish("a", "1", &json!(1)).await;
    let cursor = stream.event().await.id;
    let closing = stream.event().await;
    assert_eq!(closing.name, "hookwire.closing");
    assert_eq!(closing.data, json!({ "reason": "lifetime" }));
    assert_eq!(closing.id, cursor, "the cursor stands");
    // Older clients do not heed an id without data.
    stream.raw_until(&format!("id: {cursor}\nevent: hookwire.closing\n")).await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_stream_that_is_always_behind_ends_in_time_too() {
    let relay = RelayOptions::default().set("MAX_LIFETIME", "1s").start().await;
    for n in 0..200 {
        relay.publish("a", &n.to_string(), &json!("x".repeat(200_000))).await;
    }
    let mut stream = relay.follow("topic=a&earliest", None).await;
    // Two whole lives of other streams are longer than that of this one.
    for _ in 0..2 {
        let other = relay.follow("topic=b", None).await.event().await;
        assert_eq!(other.name, "hookwire.closing");
    }
    // What was on its way before the end still comes, and then the end, although more would follow.
    let mut events = 0;
    while stream.event().await.name != "hookwire.closing" {
        events += 1;
    }
    assert!(events < 200, "{events}");
}

#[tokio::test]
async fn a_client_may_leave_its_cursor_with_the_relay() {
    let relay = Relay::start().await;
    let first = relay.publish("a", "1", &json!(1)).await;
    relay.publish("a", "2", &json!(2)).await;
    let ack = json!({ "client": "tab-1", "cursor": first["cursor"] });
    assert_eq!(relay.post("/ack").json(&ack).send().await.unwrap().status(), 204);
    let mut stream = relay.follow("topic=a&client=tab-1", None).await;
    assert_eq!(*stream.event().await.payload(), 2);
}

#[tokio::test]
async fn http_2_serves_the_same_stream() {
    let relay = Relay::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let response = client.get(relay.url("/events?topic=a&earliest")).send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    relay.publish("a", "1", &json!("over two")).await;
    let mut text = String::new();
    let mut response = response;
    while !text.contains("over two") {
        let chunk = tokio::time::timeout(Duration::from_secs(20), response.chunk()).await.unwrap();
        text.push_str(&String::from_utf8_lossy(&chunk.unwrap().unwrap()));
    }
}

#[tokio::test]
async fn the_history_is_paged_by_cursor() {
    let relay = RelayOptions::default().on_disk().start().await;
    for n in 0..7 {
        relay.publish("orders/eu", &n.to_string(), &json!(n)).await;
    }
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let path = format!("/topics/orders%2Feu/events?limit=3&after={after}");
        let page: Value = relay.get(&path).send().await.unwrap().json().await.unwrap();
        assert_eq!(page["gap"], Value::Null);
        let events = page["events"].as_array().unwrap();
        if events.is_empty() {
            break;
        }
        seen.extend(events.iter().map(|entry| entry["event"]["data"].as_u64().unwrap()));
        after = page["next"].as_str().unwrap().to_owned();
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn only_listed_origins_may_read_with_credentials() {
    let relay =
        RelayOptions::default().set("CORS_ORIGINS", "https://app.example.com").start().await;
    let ask = |origin: &'static str| relay.get("/events?topic=a").header("origin", origin).send();
    let listed = ask("https://app.example.com").await.unwrap();
    assert_eq!(listed.headers()["access-control-allow-origin"], "https://app.example.com");
    assert_eq!(listed.headers()["access-control-allow-credentials"], "true");
    assert!(listed.headers()["vary"].to_str().unwrap().contains("origin"));
    let foreign = ask("https://evil.example.com").await.unwrap();
    assert_eq!(foreign.status(), 403);
    assert!(foreign.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn a_client_that_cannot_read_streams_is_sent_to_the_history() {
    let relay = Relay::start().await;
    for (accept, status) in [
        ("text/event-stream", 200),
        ("text/html, text/event-stream;q=0.5", 200),
        ("*/*", 200),
        ("application/json", 406),
        ("", 406),
    ] {
        let answer = relay.get("/events?topic=a").header("accept", accept).send().await.unwrap();
        assert_eq!(answer.status(), status, "{accept}");
    }
}
