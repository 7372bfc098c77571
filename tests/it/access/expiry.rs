//! What is granted ends, with the token or with the patience for too many requests.

use std::time::{Duration, Instant};

use hookwire_tests::{RelayOptions, claims, now_s, sign, token};
use serde_json::json;

use super::answer::Answer;

#[tokio::test]
async fn a_stream_ends_at_the_tokens_end_and_no_way_back_loops() {
    let relay = RelayOptions::default().with_keys().set("JWT_LEEWAY", "0s").start().await;
    let publisher = token("p", &json!({ "publish": ["a"] }));
    let mut claims = claims("alice", &json!({ "subscribe": ["a"] }));
    let ends_s = now_s() + 3;
    claims["exp"] = json!(ends_s);
    let token = sign(&claims);
    let mut stream = relay.stream(relay.get("/events?topic=a").bearer_auth(&token)).await;
    stream.primed().await;
    let publish = relay.post("/topics/a/events").bearer_auth(&publisher).json(&json!(1));
    assert_eq!(Answer::to(publish).await.status, 200);
    assert_eq!(stream.event().await.payload(), &json!(1));
    let closing = stream.event().await;
    assert_eq!(closing.name, "hookwire.closing");
    assert_eq!(closing.data["reason"], "expired");
    assert!((ends_s..=ends_s + 2).contains(&now_s()), "{} s late", now_s() - ends_s);
    assert_eq!(stream.next().await, None);
    // An EventSource gives up after 401, and its page has to get a new token.
    let cookie = format!("hookwire_token={token}");
    for back in [
        relay.get("/events?topic=a").bearer_auth(&token),
        relay.get("/events?topic=a").header("cookie", cookie),
    ] {
        let answer = Answer::to(back.header("last-event-id", &closing.id)).await;
        assert_eq!(answer.told(), (401, "expired-token".into()));
        assert!(answer.detail().contains("get a new one"), "{}", answer.detail());
    }
}

#[tokio::test]
async fn a_token_that_lives_too_long_is_refused_with_what_to_do() {
    let relay = RelayOptions::default().with_keys().set("JWT_MAX_LIFETIME", "1h").start().await;
    for (exp, status) in [
        (json!(now_s() + 3_600), 200),
        (json!(now_s() + 3_700), 401),
        // The most frequent mistake: milliseconds.
        (json!((now_s() + 60) * 1_000), 401),
        (json!(1e300), 401),
    ] {
        let mut claims = claims("alice", &json!({ "subscribe": ["a"] }));
        claims["exp"] = exp.clone();
        let answer = Answer::to(relay.get("/topics/a/events").bearer_auth(sign(&claims))).await;
        assert_eq!(answer.status, status, "{exp}");
        if status == 401 {
            assert_eq!(answer.kind(), "bad-token");
            let detail = answer.detail();
            assert!(
                detail.contains("live for less") && detail.contains("milliseconds"),
                "{detail}"
            );
        }
    }
}

#[tokio::test]
async fn a_user_over_the_limit_is_told_when_to_come_again_and_then_passes() {
    let relay = RelayOptions::default().with_keys().set("USER_LIMIT", 30).start().await;
    let alice = token("alice", &json!({ "subscribe": ["a"] }));
    let ask =
        async |token: &str| Answer::to(relay.get("/topics/a/events").bearer_auth(token)).await;
    let mut let_in = 0;
    let refused = loop {
        let answer = ask(&alice).await;
        match answer.status {
            200 => let_in += 1,
            _ => break answer,
        }
    };
    let refused_at = Instant::now();
    assert!((30..=35).contains(&let_in), "{let_in}");
    assert_eq!(refused.told(), (429, "rate-limited".into()));
    assert!(refused.detail().contains("HOOKWIRE_USER_LIMIT"), "{}", refused.detail());
    assert_eq!(refused.header("ratelimit-limit"), Some("30"));
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    let reset: u64 = refused.header("ratelimit-reset").unwrap().parse().unwrap();
    assert!((50..=60).contains(&reset), "{reset}");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    // A stream is no error then, or an EventSource would give up: it is to come again.
    let mut stream = relay.stream(relay.get("/events?topic=a").bearer_auth(&alice)).await;
    assert_eq!(stream.event().await.data["reason"], "unavailable");
    assert!(stream.retry().is_some());
    // Nobody else pays for it, and neither does a token of the same user make it better.
    let bob = token("bob", &json!({ "subscribe": ["a"] }));
    assert_eq!(ask(&bob).await.status, 200);
    while ask(&alice).await.status == 429 {
        let waited = refused_at.elapsed();
        assert!(waited <= Duration::from_secs(wait) + Duration::from_secs(3), "{waited:?}");
    }
}
