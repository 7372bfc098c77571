use std::time::{Duration, Instant};

use hookwire_redis_server::{PATIENCE, Server};
use hookwire_tests::{Relay, RelayOptions, Stream, token};
use serde_json::{Value, json};

use super::two_relays;

fn alice() -> String {
    token("alice", &json!({ "subscribe": ["a"], "publish": ["a"] }))
}

async fn follow(relay: &Relay, query: &str) -> Stream {
    let request = relay.get(&format!("/events?topic=a&{query}")).bearer_auth(alice());
    let mut stream = relay.stream(request).await;
    stream.primed().await;
    stream
}

async fn closing(stream: &mut Stream) -> (Value, String) {
    loop {
        let event = stream.event().await;
        if event.name == "hookwire.closing" {
            return (event.data["reason"].clone(), event.id);
        }
    }
}

#[tokio::test]
async fn the_fourth_stream_of_a_user_ends_the_first_on_another_relay() {
    let (_redis, [one, two]) = two_relays(RelayOptions::default().with_keys()).await;
    let mut first = follow(&one, "").await;
    let mut second = follow(&two, "").await;
    let _third = follow(&one, "").await;
    let mut fourth = follow(&two, "").await;
    let (reason, id) = closing(&mut first).await;
    assert_eq!(reason, "evicted");
    assert_eq!(first.next().await, None);
    for relay in [&one, &two] {
        let back = relay.get("/events?topic=a").header("last-event-id", &id).bearer_auth(alice());
        assert_eq!(back.send().await.unwrap().status(), 204);
    }
    let publish = one.post("/topics/a/events").bearer_auth(alice()).json(&json!(7));
    assert_eq!(publish.send().await.unwrap().status(), 200);
    assert_eq!(second.event().await.payload(), 7);
    assert_eq!(fourth.event().await.payload(), 7);
    let _fifth = follow(&one, "").await;
    assert_eq!(closing(&mut second).await.0, "evicted");
}

#[tokio::test]
async fn the_places_of_a_relay_that_is_killed_are_free_after_the_lease() {
    let options = RelayOptions::default().with_keys().set("STREAMS_OVER", "refuse");
    let (_redis, [one, two]) = two_relays(options.set("STREAM_LEASE", "3s")).await;
    let mut one = std::sync::Arc::into_inner(one).unwrap();
    let _open = [follow(&one, "").await, follow(&one, "").await, follow(&one, "").await];
    let again = || two.get("/events?topic=a").bearer_auth(alice()).send();
    // Renewed for as long as it lives.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    assert_eq!(again().await.unwrap().status(), 429);
    one.kill().await;
    let killed = std::time::Instant::now();
    while again().await.unwrap().status() != 200 {
        assert!(killed.elapsed().as_secs() < 30, "its places are still taken");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn what_one_relay_was_told_every_relay_knows() {
    let (_redis, [one, two]) = two_relays(RelayOptions::default().with_keys()).await;
    // A cursor.
    let published = one.post("/topics/a/events").bearer_auth(alice()).json(&json!(1)).send().await;
    let cursor = published.unwrap().json::<Value>().await.unwrap()["cursor"].clone();
    let publish = one.post("/topics/a/events").bearer_auth(alice()).json(&json!(2)).send().await;
    assert_eq!(publish.unwrap().status(), 200);
    let ack = json!({ "client": "desk", "cursor": cursor });
    let acked = one.post("/ack").bearer_auth(alice()).json(&ack).send().await.unwrap();
    assert_eq!(acked.status(), 204);
    let mut stream = follow(&two, "client=desk").await;
    assert_eq!(stream.event().await.payload(), 2);
    // A ticket that was used.
    let ticket = one.post("/tickets").bearer_auth(alice()).send().await.unwrap();
    let ticket = ticket.json::<Value>().await.unwrap()["ticket"].as_str().unwrap().to_owned();
    let path = format!("/events?topic=a&ticket={ticket}");
    drop(one.stream(one.get(&path)).await);
    assert_eq!(two.get(&path).send().await.unwrap().status(), 401);
    // A revocation.
    let admin = token("root", &json!({ "admin": true }));
    let revoke = one.post("/admin/revoke").bearer_auth(admin).json(&json!({ "user": "alice" }));
    assert_eq!(revoke.send().await.unwrap().status(), 200);
    assert_eq!(closing(&mut stream).await.0, "revoked");
    for relay in [&one, &two] {
        let again = relay.get("/events?topic=a").bearer_auth(alice()).send().await.unwrap();
        assert_eq!(again.status(), 401);
        assert!(again.text().await.unwrap().contains("token-revoked"));
    }
}

#[tokio::test]
async fn streams_that_come_back_while_redis_is_away_are_not_evicted_when_it_is_back() {
    let mut redis = Server::start().await;
    let options = RelayOptions::default().with_keys().log(redis.url());
    let relay = options.set("STREAM_LEASE", "12s").start().await;
    let before = [follow(&relay, "").await, follow(&relay, "").await, follow(&relay, "").await];
    // Its leases are in its append-only file, and whoever gives them back is not heard.
    redis.kill().await;
    drop(before);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut again = Vec::new();
    for _ in 0..3 {
        again.push(relay.stream(relay.get("/events?topic=a").bearer_auth(alice())).await);
    }
    redis.restart().await;
    // Every lease is renewed within a third of its time.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let publish = async || {
        let publish = relay.post("/topics/a/events").bearer_auth(alice()).json(&json!(7));
        publish.send().await.unwrap().status()
    };
    let restarted = Instant::now();
    while publish().await != 200 {
        assert!(restarted.elapsed() < PATIENCE, "Redis is not used again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for stream in &mut again {
        loop {
            let event = stream.event().await;
            assert_ne!(event.name, "hookwire.closing", "{}", event.data);
            if event.data["data"] == 7 {
                break;
            }
        }
    }
    // They have places again: a fourth ends the first of them.
    let _fourth = follow(&relay, "").await;
    assert_eq!(closing(&mut again[0]).await.0, "evicted");
}
