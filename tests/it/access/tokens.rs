//! A token says who it is and what may be done with it.

use hookwire_tests::{Relay, RelayOptions, Stream, claims, gmail_push, now_s, sign, token};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

async fn kind(request: RequestBuilder, token: &str) -> (u16, String) {
    let answer = request.bearer_auth(token).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap_or_default();
    let kind =
        body["type"].as_str().unwrap_or_default().trim_start_matches("urn:hookwire:problem:");
    (status, kind.to_owned())
}

async fn follow(relay: &Relay, query: &str, token: &str) -> Stream {
    relay.stream(relay.get(&format!("/events?{query}")).bearer_auth(token)).await
}

#[tokio::test]
async fn a_token_reaches_what_it_grants_and_nothing_else() {
    let relay = RelayOptions::default().with_keys().start().await;
    let alice =
        token("alice", &json!({ "subscribe": ["mail/{sub}", "news/**"], "publish": ["mail/*"] }));
    let mut stream = follow(&relay, "topic=mail/alice&topic=news/a/b", &alice).await;
    stream.primed().await;
    let publish = |topic: &str| relay.post(&format!("/topics/{topic}/events")).json(&json!(1));
    assert_eq!(kind(publish("mail/alice"), &alice).await.0, 200);
    assert_eq!(stream.event().await.data["subject"], "mail/alice");
    let refused = (403, "not-granted".to_owned());
    assert_eq!(kind(publish("news/a"), &alice).await, refused);
    assert_eq!(kind(relay.get("/events?topic=mail/bob"), &alice).await, refused);
    assert_eq!(kind(relay.get("/events?topic=mail/alice&topic=mail/bob"), &alice).await, refused);
    assert_eq!(kind(relay.get("/topics/mail/bob/events"), &alice).await, refused);
    assert_eq!(kind(relay.get("/topics/mail/alice/events"), &alice).await.0, 200);
    assert_eq!(kind(relay.get("/admin/quarantine"), &alice).await, (403, "not-admin".into()));
    assert_eq!(kind(relay.get("/metrics"), &alice).await, (403, "not-admin".into()));
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_the_browser_that_comes_back_is_told_why() {
    let relay = RelayOptions::default().with_keys().set("JWT_LEEWAY", "0s").start().await;
    let mut claims = claims("alice", &json!({ "subscribe": ["a"] }));
    claims["exp"] = json!(now_s() + 3);
    let token = sign(&claims);
    let mut stream = follow(&relay, "topic=a", &token).await;
    let closing = stream.event().await;
    assert_eq!(
        (closing.name.as_str(), &closing.data["reason"]),
        ("hookwire.closing", &json!("expired"))
    );
    assert_eq!(stream.next().await, None);
    let again = kind(relay.get("/events?topic=a").header("last-event-id", closing.id), &token);
    assert_eq!(again.await, (401, "expired-token".into()));
}

#[tokio::test]
async fn webhooks_need_no_token_and_no_page_of_another_origin_can_push_one() {
    let listed = "https://app.example.com";
    let relay = RelayOptions::default().with_keys().set("CORS_ORIGINS", listed).start().await;
    let own = relay.url("");
    for (header, value, status) in [
        ("user-agent", "Google", 200),
        ("origin", listed, 200),
        ("origin", &own, 200),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
    ] {
        let push = relay.post("/webhooks/gmail").json(&gmail_push(value, "user@example.com", 1));
        let answer = push.header(header, value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{header}: {value}");
    }
}

#[tokio::test]
async fn without_keys_any_number_of_clients_leaves_cursors() {
    let relay = Relay::start().await;
    relay.publish("a", "1", &json!(1)).await;
    let cursor = relay.publish("a", "2", &json!(2)).await["cursor"].clone();
    relay.publish("a", "3", &json!(3)).await;
    for n in 0..150 {
        let ack = json!({ "client": format!("client-{n}"), "cursor": cursor });
        assert_eq!(relay.post("/ack").json(&ack).send().await.unwrap().status(), 204);
    }
    let mut first = relay.follow("topic=a&client=client-0", None).await;
    assert_eq!(first.event().await.payload(), 3);
}
