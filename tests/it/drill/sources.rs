use hookwire_tests::{KeyServer, RelayOptions, Sentry, gmail_push, key_set};
use serde_json::{Value, json};

use super::{Drill, Rules};
use crate::verification::{AUDIENCE, EMAIL, token};

/// A relay without limits that takes what is signed with these keys.
fn verified(keys: &KeyServer, sentry: &Sentry) -> RelayOptions {
    RelayOptions::default()
        .set("PUSH_AUDIENCE", AUDIENCE)
        .set("PUSH_EMAIL", EMAIL)
        .set("PUSH_JWKS", &keys.url)
        .set("CLIENT_LIMIT", 60_000_000)
        .set("SOURCE_LIMIT", 60_000_000)
        .variable("SENTRY_DSN", sentry.dsn())
}

/// Pushes so many, each with an id of its own, and returns the last status.
async fn push(relay: &hookwire_tests::Relay, name: &str, many: u32, bearer: &str) -> u16 {
    let mut status = 0;
    for n in 0..many {
        let body = gmail_push(&format!("{name}-{n}"), "someone@example.com", 1);
        status = pushed(relay, &body, bearer).await;
    }
    status
}

async fn pushed(relay: &hookwire_tests::Relay, body: &Value, bearer: &str) -> u16 {
    let request = relay.client.post(relay.url("/webhooks/gmail")).json(body).bearer_auth(bearer);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_of_a_source_fires_its_alert_and_no_other_one() {
    let sentry = Sentry::start().await;
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = verified(&keys, &sentry).start().await;
    let good = token(|_| ());
    assert_eq!(push(&relay, "first", 20, &good).await, 200);
    let rules = Rules::shipped().bound("silent_seconds", "90");
    let mut drill = Drill::start(&[&relay], rules, sentry).await;

    while drill.prometheus.firing().await.is_empty() {
        assert_eq!(push(&relay, "unproven", 5, "nonsense").await, 401);
    }
    drill.fires(&["HookwireVerificationFailures"]).await;
    drill.is_over(&[]).await;

    while drill.prometheus.firing().await.is_empty() {
        assert_eq!(push(&relay, "again", 5, &good).await, 200);
    }
    drill.fires(&["HookwireDuplicatesJump"]).await;
    drill.is_over(&[]).await;

    let mut junk = gmail_push("junk", "someone@example.com", 1);
    junk["message"]["data"] = json!("%%%");
    assert_eq!(pushed(&relay, &junk, &good).await, 200);
    drill.fires(&["HookwireQuarantineFills"]).await;
    drill.is_over(&["quarantine-fills"]).await;

    drill.fires(&["HookwireSourceSilent"]).await;
    assert_eq!(push(&relay, "at-last", 1, &good).await, 200);
    drill.is_over(&["quarantine-fills"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_cannot_be_fetched_are_told_and_not_taken_for_bad_proof() {
    let sentry = Sentry::start().await;
    let keys = KeyServer::start(None).await;
    let relay = verified(&keys, &sentry).start().await;
    let mut drill = Drill::start(&[&relay], Rules::shipped(), sentry).await;
    let good = token(|_| ());
    while drill.prometheus.firing().await.is_empty() {
        assert_eq!(push(&relay, "early", 5, &good).await, 503);
    }
    drill.fires(&["HookwireKeysUnavailable"]).await;
    keys.publish(Some(key_set("a")));
    while push(&relay, "late", 1, &good).await != 200 {}
    drill.is_over(&["keys-unavailable"]).await;
}
