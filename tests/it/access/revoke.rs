//! What was granted can be taken back, at once.

use std::time::{Duration, Instant};

use hookwire_tests::{Relay, RelayOptions, Stream, claims, now_s, sign};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::answer::Answer;

/// A token of this tenant, issued now.
fn token(tenant: Option<&str>, user: &str, id: &str, grants: &Value) -> String {
    let mut claims = claims(user, grants);
    claims["iat"] = json!(now_s());
    claims["jti"] = json!(id);
    if let Some(tenant) = tenant {
        claims["tenant"] = json!(tenant);
    }
    sign(&claims)
}

fn follower(tenant: Option<&str>, user: &str, id: &str) -> String {
    token(tenant, user, id, &json!({ "subscribe": ["a"] }))
}

fn admin(tenant: Option<&str>) -> String {
    token(tenant, "root", "root", &json!({ "admin": true }))
}

async fn start() -> Relay {
    let options = RelayOptions::default().with_keys().set("CLIENT_LIMIT", 1_000_000);
    options.set("JWT_LEEWAY", "0s").start().await
}

async fn follow(relay: &Relay, token: &str) -> Stream {
    let mut stream = relay.stream(relay.get("/events?topic=a").bearer_auth(token)).await;
    stream.primed().await;
    stream
}

async fn revoke(relay: &Relay, by: &str, whom: &Value) -> Answer {
    Answer::to(relay.post("/admin/revoke").bearer_auth(by).json(whom)).await
}

async fn is_out(request: RequestBuilder) -> bool {
    let answer = Answer::to(request).await;
    assert!(answer.status == 200 || answer.told() == (401, "token-revoked".into()), "{answer:?}");
    answer.status == 401
}

fn history(relay: &Relay, token: &str) -> RequestBuilder {
    relay.get("/topics/a/events").bearer_auth(token)
}

/// The first token of alice that is good again: one that is issued in a later second.
async fn next(relay: &Relay, tenant: Option<&str>) -> String {
    loop {
        let next = token(tenant, "alice", "next", &json!({ "subscribe": ["a"] }));
        if !is_out(history(relay, &next)).await {
            return next;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn ends_revoked(stream: &mut Stream, since: Instant) {
    let closing = stream.event().await;
    assert_eq!(closing.name, "hookwire.closing");
    assert_eq!(closing.data["reason"], "revoked");
    // A second, and what a busy machine adds.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    assert_eq!(stream.next().await, None);
}

/// Whether a stream is open is seen in an event that comes on it.
async fn goes_on(relay: &Relay, stream: &mut Stream, tenant: Option<&str>) {
    let publisher = token(tenant, "publisher", "publisher", &json!({ "publish": ["a"] }));
    let publish = relay.post("/topics/a/events").bearer_auth(publisher).json(&json!("on"));
    assert_eq!(Answer::to(publish).await.status, 200);
    assert_eq!(stream.event().await.payload(), "on");
}

#[tokio::test]
async fn a_revoked_user_is_out_with_every_token_so_far_and_in_with_the_next() {
    let relay = start().await;
    let [one, two] = ["1", "2"].map(|id| follower(None, "alice", id));
    let (mut first, mut second) = (follow(&relay, &one).await, follow(&relay, &two).await);
    let mut bobs = follow(&relay, &follower(None, "bob", "3")).await;
    let since = Instant::now();
    let answer = revoke(&relay, &admin(None), &json!({ "user": "alice" })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    ends_revoked(&mut first, since).await;
    ends_revoked(&mut second, since).await;
    goes_on(&relay, &mut bobs, None).await;
    assert!(is_out(history(&relay, &one)).await);
    let mut told = Vec::new();
    while told.is_empty() {
        let log = relay.log();
        told.extend(log.lines().filter(|line| line.contains("token-revoked")).map(str::to_owned));
        tokio::task::yield_now().await;
    }
    assert!(told.iter().all(|line| line.contains("subject.hash")), "each says of whom: {told:?}");
    for out in [&one, &two] {
        assert!(is_out(history(&relay, out)).await);
        assert!(is_out(relay.get("/events?topic=a").bearer_auth(out)).await);
        let cookie = format!("hookwire_token={out}");
        assert!(is_out(relay.get("/events?topic=a").header("cookie", cookie)).await);
        let tickets = Answer::to(relay.post("/tickets").bearer_auth(out)).await;
        assert_eq!(tickets.told(), (401, "token-revoked".into()));
        assert!(tickets.detail().contains("log in again"), "{}", tickets.detail());
    }
    let next = next(&relay, None).await;
    goes_on(&relay, &mut follow(&relay, &next).await, None).await;
    // Who never says when a token was issued cannot say that it was later.
    let mut timeless = claims("alice", &json!({ "subscribe": ["a"] }));
    timeless.as_object_mut().unwrap().remove("iat");
    assert!(is_out(history(&relay, &sign(&timeless))).await);
}

#[tokio::test]
async fn a_revoked_token_is_out_and_the_others_of_its_user_are_not() {
    let relay = start().await;
    let [one, two] = ["1", "2"].map(|id| follower(None, "alice", id));
    let (mut first, mut second) = (follow(&relay, &one).await, follow(&relay, &two).await);
    let since = Instant::now();
    assert_eq!(revoke(&relay, &admin(None), &json!({ "token_id": "1" })).await.status, 200);
    ends_revoked(&mut first, since).await;
    goes_on(&relay, &mut second, None).await;
    assert!(is_out(history(&relay, &one)).await);
    assert!(!is_out(history(&relay, &two)).await);
    let again = token(None, "alice", "1", &json!({ "subscribe": ["a"] }));
    assert!(is_out(history(&relay, &again)).await, "its id is out, whenever it was issued");
}

#[tokio::test]
async fn a_ticket_and_its_cookie_go_with_the_token_that_they_were_made_from() {
    let relay = start().await;
    for whom in [json!({ "user": "alice" }), json!({ "token_id": "1" })] {
        let id = if whom["user"].is_null() { "1" } else { "0" };
        let user = if whom["user"].is_null() { "carol" } else { "alice" };
        let token = follower(None, user, id);
        let ticket = async || {
            let answer = Answer::to(relay.post("/tickets").bearer_auth(&token)).await;
            format!("/events?topic=a&ticket={}", answer.json()["ticket"].as_str().unwrap())
        };
        let (used, unused) = (ticket().await, ticket().await);
        let mut stream = relay.stream(relay.get(&used)).await;
        stream.primed().await;
        let cookie = stream.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        let cookie = cookie.to_owned();
        let since = Instant::now();
        assert_eq!(revoke(&relay, &admin(None), &whom).await.status, 200);
        ends_revoked(&mut stream, since).await;
        assert!(is_out(relay.get(&unused)).await, "{whom}");
        assert!(is_out(relay.get(&used).header("cookie", &cookie)).await, "{whom}");
        assert!(is_out(relay.get("/topics/a/events").header("cookie", &cookie)).await, "{whom}");
    }
}

#[tokio::test]
async fn only_an_administrator_revokes_and_one_of_a_tenant_only_there() {
    let relay = start().await;
    let tenants = [None, Some("acme"), Some("umbra")];
    let mut streams = Vec::new();
    for tenant in tenants {
        streams.push(follow(&relay, &follower(tenant, "alice", "1")).await);
    }
    let everything = json!({ "subscribe": ["**"], "publish": ["**"] });
    let nobody = token(None, "alice", "2", &everything);
    let not_admin = (403, "not-admin".to_owned());
    assert_eq!(revoke(&relay, &nobody, &json!({ "user": "alice" })).await.told(), not_admin);
    let acme = admin(Some("acme"));
    for tenant in ["umbra", "acme.x", "ACME"] {
        let whom = json!({ "user": "alice", "tenant": tenant });
        assert_eq!(revoke(&relay, &acme, &whom).await.told(), not_admin, "{tenant}");
    }
    for whom in [
        json!({}),
        json!({ "user": "" }),
        json!({ "user": "a", "token_id": "b" }),
        json!({ "user": "a\u{0}b" }),
        json!({ "user": "alice", "tenant": "" }),
        json!({ "user": "alice", "tenant": "a*b" }),
        json!({ "user": "alice", "everybody": true }),
    ] {
        let told = (400, "bad-revocation".to_owned());
        assert_eq!(revoke(&relay, &acme, &whom).await.told(), told, "{whom}");
    }
    // Names that would be another tenant's if they were put together carelessly.
    for user in ["umbra*alice", "umbra/alice", "umbra:alice", "*", "%"] {
        assert_eq!(revoke(&relay, &acme, &json!({ "user": user })).await.status, 200);
    }
    for (stream, tenant) in streams.iter_mut().zip(tenants) {
        goes_on(&relay, stream, tenant).await;
    }
    let since = Instant::now();
    let own = json!({ "user": "alice", "tenant": "acme" });
    assert_eq!(revoke(&relay, &acme, &own).await.status, 200);
    ends_revoked(&mut streams[1], since).await;
    goes_on(&relay, &mut streams[0], None).await;
    goes_on(&relay, &mut streams[2], Some("umbra")).await;
    // Without a tenant one is everybody's administrator, and has to say whose alice is meant.
    let since = Instant::now();
    let umbras = json!({ "token_id": "1", "tenant": "umbra" });
    assert_eq!(revoke(&relay, &admin(None), &umbras).await.status, 200);
    ends_revoked(&mut streams[2], since).await;
    goes_on(&relay, &mut streams[0], None).await;
    // What belongs to all tenants is not a tenant's administrator's.
    for path in ["/metrics", "/admin/quarantine"] {
        assert_eq!(Answer::to(relay.get(path).bearer_auth(&acme)).await.told(), not_admin);
        assert_eq!(Answer::to(relay.get(path).bearer_auth(admin(None))).await.status, 200);
    }
}

#[tokio::test]
async fn what_was_revoked_stays_revoked_when_the_relay_comes_back() {
    let options = RelayOptions::default().with_keys().on_disk().set("JWT_LEEWAY", "0s");
    let mut relay = options.start().await;
    let [alice, bob, carol] = [("alice", "1"), ("bob", "2"), ("carol", "3")]
        .map(|(user, id)| follower(Some("acme"), user, id));
    let by = admin(Some("acme"));
    assert_eq!(revoke(&relay, &by, &json!({ "user": "alice" })).await.status, 200);
    assert_eq!(revoke(&relay, &by, &json!({ "token_id": "2" })).await.status, 200);
    relay.kill().await;
    relay.restart().await;
    assert!(is_out(history(&relay, &alice)).await);
    assert!(is_out(history(&relay, &bob)).await);
    assert!(!is_out(history(&relay, &carol)).await);
    assert!(!is_out(history(&relay, &follower(None, "alice", "1"))).await, "of no tenant");
    next(&relay, Some("acme")).await;
}

#[tokio::test]
async fn a_token_that_says_it_was_issued_in_a_moment_is_revoked_as_well() {
    let relay = RelayOptions::default().with_keys().start().await;
    let mut ahead = claims("alice", &json!({ "subscribe": ["a"] }));
    ahead["iat"] = json!(now_s() + 20);
    let ahead = sign(&ahead);
    assert!(!is_out(history(&relay, &ahead)).await);
    assert_eq!(revoke(&relay, &admin(None), &json!({ "user": "alice" })).await.status, 200);
    assert!(is_out(history(&relay, &ahead)).await);
}
