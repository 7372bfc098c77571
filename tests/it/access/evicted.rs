//! A user has so many streams, and the oldest makes room.

use hookwire_tests::{Relay, RelayOptions, Stream, token};
use serde_json::json;

async fn follow(relay: &Relay, token: &str) -> Stream {
    let mut stream = relay.stream(relay.get("/events?topic=a").bearer_auth(token)).await;
    stream.primed().await;
    stream
}

#[tokio::test]
async fn the_fourth_stream_ends_the_first_which_does_not_come_back() {
    let relay = RelayOptions::default().with_keys().start().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    let mut first = follow(&relay, &token).await;
    let _open = [follow(&relay, &token).await, follow(&relay, &token).await];
    let mut fourth = follow(&relay, &token).await;
    let closing = first.event().await;
    assert_eq!(
        (closing.name.as_str(), &closing.data["reason"]),
        ("hookwire.closing", &json!("evicted"))
    );
    assert_eq!(first.next().await, None);
    let back = relay.get("/events?topic=a").header("last-event-id", &closing.id);
    assert_eq!(back.bearer_auth(&token).send().await.unwrap().status(), 204);
    // Nobody lost a place by that.
    let publisher = hookwire_tests::token("p", &json!({ "publish": ["a"] }));
    let published = relay.post("/topics/a/events").json(&json!(1)).bearer_auth(publisher);
    assert_eq!(published.send().await.unwrap().status(), 200);
    assert_eq!(fourth.event().await.payload(), &json!(1));
}

#[tokio::test]
async fn in_the_other_mode_the_fourth_stream_is_told_what_to_do() {
    let relay = RelayOptions::default().with_keys().set("STREAMS_OVER", "refuse").start().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    let _open =
        [follow(&relay, &token).await, follow(&relay, &token).await, follow(&relay, &token).await];
    let fourth = relay.get("/events?topic=a").bearer_auth(&token).send().await.unwrap();
    assert_eq!(fourth.status(), 429);
    assert!(fourth.headers().contains_key("retry-after"));
    let body = fourth.text().await.unwrap();
    assert!(body.contains("HOOKWIRE_STREAMS_PER_USER"), "{body}");
}

#[tokio::test]
async fn who_asks_for_no_more_than_the_head_of_a_stream_costs_nobody_a_place() {
    let relay = RelayOptions::default().with_keys().set("STREAMS_PER_USER", 1).start().await;
    let token = token("alice", &json!({ "subscribe": ["a"], "publish": ["a"] }));
    let mut stream = follow(&relay, &token).await;
    let head = relay.client.head(relay.url("/events?topic=a")).bearer_auth(&token);
    assert_eq!(head.send().await.unwrap().status(), 405);
    let publish = relay.post("/topics/a/events").json(&json!(1)).bearer_auth(&token);
    assert_eq!(publish.send().await.unwrap().status(), 200);
    assert_eq!(stream.event().await.payload(), &json!(1));
}

#[tokio::test]
async fn where_nobody_is_evicted_a_cursor_of_one_who_was_is_a_cursor() {
    let relay = Relay::start().await;
    let old = relay.get("/events?topic=a").header("last-event-id", "7-3.evicted-ffffffffff");
    assert_eq!(old.send().await.unwrap().status(), 200);
    let relay = RelayOptions::default().with_keys().start().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    let long_ago = relay.get("/events?topic=a").header("last-event-id", "7-3.evicted-65f0");
    assert_eq!(long_ago.bearer_auth(token).send().await.unwrap().status(), 200);
}
