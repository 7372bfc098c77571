//! An `EventSource` sends no headers: it brings a ticket, and then the cookie that it was exchanged for.

use hookwire_tests::{Relay, RelayOptions, token};
use serde_json::{Value, json};

async fn ticket(relay: &Relay, token: &str, body: &Value) -> String {
    let answer = relay.post("/tickets").bearer_auth(token).json(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    answer["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_opens_one_stream_and_its_cookie_the_next_ones() {
    let relay = RelayOptions::default().with_keys().start().await;
    let token = token("alice", &json!({ "subscribe": ["a", "b"] }));
    let ticket = ticket(&relay, &token, &json!({ "topics": ["a"] })).await;
    let path = format!("/events?topic=a&ticket={ticket}");
    let stream = relay.stream(relay.get(&path)).await;
    let cookie = stream.headers["set-cookie"].to_str().unwrap().to_owned();
    for word in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(relay.get(&path).send().await.unwrap().status(), 401, "it is spent");
    let mut stream = relay.stream(relay.get(&path).header("cookie", &cookie)).await;
    stream.primed().await;
    let other = relay.get("/events?topic=b").header("cookie", &cookie);
    assert_eq!(other.send().await.unwrap().status(), 403, "it is for the topics of the ticket");
    let publish = relay.post("/topics/a/events").header("cookie", &cookie).json(&json!(1));
    let answer = publish.header("origin", relay.url("")).send().await.unwrap();
    assert_eq!(answer.status(), 403, "and only to follow");
}
