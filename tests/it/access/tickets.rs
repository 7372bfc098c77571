//! An `EventSource` sends no headers: it brings a ticket, and then the cookie that it was exchanged for.

use futures_util::StreamExt;
use hookwire_tests::{Relay, RelayOptions, claims, now_s, sign, token};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::answer::Answer;

const LISTED: &str = "https://app.example";
const LISTED_TOO: &str = "https://other.example";

pub(super) async fn relay() -> Relay {
    let options =
        RelayOptions::default().with_keys().set("CORS_ORIGINS", format!("{LISTED},{LISTED_TOO}"));
    options.set("CLIENT_LIMIT", 1_000_000).set("STREAMS_PER_USER", 0).start().await
}

pub(super) async fn ticket(relay: &Relay, token: &str, body: &Value) -> String {
    let answer = Answer::to(relay.post("/tickets").bearer_auth(token).json(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()["ticket"].as_str().unwrap().to_owned()
}

pub(super) fn follow(relay: &Relay, topic: &str, ticket: &str) -> RequestBuilder {
    relay.get(&format!("/events?topic={topic}&ticket={ticket}"))
}

pub(super) async fn refused(request: RequestBuilder) -> String {
    let answer = Answer::to(request).await;
    assert_eq!(answer.told(), (401, "bad-ticket".into()), "{}", answer.body);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(answer.header("set-cookie"), None);
    answer.detail()
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

#[tokio::test]
async fn of_fifty_who_bring_one_ticket_at_once_one_is_let_in() {
    let relay = relay().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    for _ in 0..5 {
        let ticket = ticket(&relay, &token, &json!({})).await;
        let tries = (0..50).map(|_| Answer::to(follow(&relay, "a", &ticket)));
        let answers: Vec<Answer> =
            futures_util::stream::iter(tries).buffer_unordered(50).collect().await;
        let (let_in, out): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 200);
        assert_eq!((let_in.len(), out.len()), (1, 49));
        assert!(out.iter().all(|one| one.told() == (401, "bad-ticket".into())));
        assert!(out.iter().all(|one| one.header("set-cookie").is_none()));
    }
}

#[tokio::test]
async fn a_ticket_is_good_only_for_a_page_of_the_origin_that_it_is_bound_to() {
    let relay = relay().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    let own = relay.url("");
    let bound = async |origin: &str| ticket(&relay, &token, &json!({ "origin": origin })).await;
    // (bound to, the page that brings it, whether that is let in)
    for (origin, from, let_in) in [
        (LISTED, Some(LISTED), true),
        (LISTED, Some(LISTED_TOO), false),
        (LISTED, Some(own.as_str()), false),
        (LISTED, None, false),
        (&own, Some(own.as_str()), true),
        (&own, None, true),
        (&own, Some(LISTED), false),
    ] {
        let ticket = bound(origin).await;
        let request = match from {
            Some(from) => follow(&relay, "a", &ticket).header("origin", from),
            None => follow(&relay, "a", &ticket),
        };
        if let_in {
            assert_eq!(Answer::to(request).await.status, 200, "{origin} from {from:?}");
        } else {
            let detail = refused(request).await;
            assert!(detail.contains("another origin"), "{origin} from {from:?}: {detail}");
        }
    }
    // Whoever may not use it has not spent it.
    let kept = bound(LISTED).await;
    refused(follow(&relay, "a", &kept).header("origin", LISTED_TOO)).await;
    assert_eq!(Answer::to(follow(&relay, "a", &kept).header("origin", LISTED)).await.status, 200);
    // Without a name of its own it is bound to the page that asks for it.
    let asked = relay.post("/tickets").bearer_auth(&token).header("origin", LISTED);
    let ticket = Answer::to(asked).await.json()["ticket"].as_str().unwrap().to_owned();
    refused(follow(&relay, "a", &ticket)).await;
    assert_eq!(Answer::to(follow(&relay, "a", &ticket).header("origin", LISTED)).await.status, 200);
}

#[tokio::test]
async fn a_ticket_lives_from_one_second_to_sixty() {
    let relay = relay().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    let asked = |body: &Value| relay.post("/tickets").bearer_auth(&token).json(body);
    for (ttl, told) in [
        (json!(0), (400, "bad-ticket-request".to_owned())),
        (json!(61), (400, "bad-ticket-request".to_owned())),
        (json!(-1), (400, "bad-ticket-request".to_owned())),
        (json!("60"), (400, "bad-ticket-request".to_owned())),
        (json!(u64::MAX), (400, "bad-ticket-request".to_owned())),
        (json!(1), (200, String::new())),
        (json!(60), (200, String::new())),
    ] {
        let answer = Answer::to(asked(&json!({ "ttl": ttl }))).await;
        assert_eq!(answer.told(), told, "{ttl}");
        assert!(answer.status == 200 || answer.detail().contains("60"), "{}", answer.detail());
        assert!(answer.status != 200 || answer.json()["expires_in"] == ttl);
    }
    assert_eq!(Answer::to(asked(&json!({}))).await.json()["expires_in"], 60);
    // It ends by the clock, which is waited for on something else that ends at the same time.
    let short = ticket(&relay, &token, &json!({ "ttl": 1 })).await;
    let mut claims = claims("clock", &json!({ "subscribe": ["a"] }));
    claims["exp"] = json!(now_s() + 2 - 30);
    let mut clock = relay.stream(relay.get("/events?topic=a").bearer_auth(sign(&claims))).await;
    assert_eq!(clock.event().await.data["reason"], "expired");
    assert!(refused(follow(&relay, "a", &short)).await.contains("get a new one"));
}

#[tokio::test]
async fn a_ticket_that_is_spent_stays_spent_when_the_relay_comes_back() {
    let mut relay = RelayOptions::default().with_keys().on_disk().start().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    let ticket = ticket(&relay, &token, &json!({})).await;
    assert_eq!(Answer::to(follow(&relay, "a", &ticket)).await.status, 200);
    relay.kill().await;
    relay.restart().await;
    refused(follow(&relay, "a", &ticket)).await;
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_set_its_visitors_cookie() {
    let relay = relay().await;
    let token = token("mallory", &json!({ "subscribe": ["a"] }));
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let ticket = ticket(&relay, &token, &json!({})).await;
        let answer = Answer::to(follow(&relay, "a", &ticket).header(name, value)).await;
        assert_eq!(answer.told(), (403, "foreign-origin".into()), "{name}: {value}");
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(Answer::to(follow(&relay, "a", &ticket)).await.status, 200, "it is not spent");
    }
}

#[tokio::test]
async fn a_ticket_that_was_used_goes_on_with_no_other_users_cookie() {
    let relay = relay().await;
    let grants = json!({ "subscribe": ["a"] });
    let cookie_of = async |claims: &Value| {
        let ticket = ticket(&relay, &sign(claims), &json!({})).await;
        let stream = relay.stream(follow(&relay, "a", &ticket)).await;
        let cookie = stream.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
        (ticket, cookie.to_owned())
    };
    let alice = claims("alice", &grants);
    let mut elsewhere = alice.clone();
    elsewhere["tenant"] = json!("acme");
    let (used, own) = cookie_of(&alice).await;
    for other in [claims("bob", &grants), elsewhere] {
        let (_, other) = cookie_of(&other).await;
        let detail = refused(follow(&relay, "a", &used).header("cookie", other)).await;
        assert!(detail.contains("another user"), "{detail}");
    }
    let again = follow(&relay, "a", &used).header("cookie", own);
    assert_eq!(Answer::to(again).await.status, 200);
}

#[tokio::test]
async fn a_refusal_that_time_cures_does_not_spend_a_ticket() {
    let relay = RelayOptions::default().with_keys().set("USER_LIMIT", 30).start().await;
    let token = token("alice", &json!({ "subscribe": ["a"] }));
    let ticket = ticket(&relay, &token, &json!({})).await;
    // One call of this user's after another, until there are too many.
    let history = || relay.get("/topics/a/events").bearer_auth(&token);
    while Answer::to(history()).await.status == 200 {}
    let mut turned_away = relay.stream(follow(&relay, "a", &ticket)).await;
    assert_eq!(turned_away.event().await.data["reason"], "unavailable");
    // And later it is let in.
    loop {
        let mut stream = relay.stream(follow(&relay, "a", &ticket)).await;
        if stream.headers.contains_key("set-cookie") {
            stream.primed().await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_cookie_stays_small_enough_for_browsers() {
    let relay = relay().await;
    let many: Vec<String> = (0..60).map(|n| format!("{n}/{}", "x".repeat(80))).collect();
    let token = token("alice", &json!({ "subscribe": many }));
    let too_large = Answer::to(relay.post("/tickets").bearer_auth(&token)).await;
    assert_eq!(too_large.told(), (400, "bad-ticket-request".into()));
    assert!(too_large.detail().contains("name fewer topics"), "{}", too_large.detail());
    let few = ticket(&relay, &token, &json!({ "topics": [many[0], many[1]] })).await;
    let answer = Answer::to(follow(&relay, &many[0], &few)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("set-cookie").unwrap().len() <= 4_096);
}
