use std::time::Duration;

use futures_util::StreamExt;
use hookwire_tests::{KeyServer, Relay, key_set, sign_rs256};
use serde_json::json;

use super::super::forged;
use super::{claims, push, relay, with};

/// Pushes again and again until it is answered so.
async fn push_until(relay: &Relay, token: &str, status: u16) {
    let pushed = async {
        while push(relay, token).await.status != status {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), pushed).await.expect("it changes");
}

#[tokio::test]
async fn a_key_that_is_published_later_is_taken_at_once_and_one_that_is_withdrawn_is_not() {
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = relay(&keys).await;
    let [old, new] = ["a", "b"].map(|key| sign_rs256(key, None, &claims()));
    assert_eq!(push(&relay, &old).await.status, 200);
    keys.publish(Some(key_set("b")));
    assert_eq!(push(&relay, &new).await.status, 200);
    assert_eq!(keys.asked(), 2);
    assert_eq!(push(&relay, &old).await.told(), (401, "unauthorized".into()));
}

#[tokio::test]
async fn without_any_key_a_push_is_to_come_again_and_is_taken_as_soon_as_there_are_keys() {
    let keys = KeyServer::start(None).await;
    let relay = relay(&keys).await;
    let token = sign_rs256("a", None, &claims());
    let answer = push(&relay, &token).await;
    assert_eq!(answer.told(), (503, "keys-unavailable".into()));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(answer.detail().contains("try again"), "{}", answer.detail());
    // Who is refused anyway is told so, without any key.
    let expired = with(&[("iat", json!(1)), ("exp", json!(2))]);
    assert_eq!(push(&relay, &sign_rs256("a", None, &expired)).await.status, 401);
    for _ in 0..100 {
        assert_eq!(push(&relay, &token).await.status, 503);
    }
    assert_eq!(keys.asked(), 1, "an endpoint in trouble is left alone for a while");
    keys.publish(Some(key_set("a")));
    push_until(&relay, &token, 200).await;
}

#[tokio::test]
async fn keys_that_were_seen_once_outlive_the_endpoint() {
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = relay(&keys).await;
    let token = sign_rs256("a", None, &claims());
    assert_eq!(push(&relay, &token).await.status, 200);
    keys.publish(None);
    // The unknown key makes it ask, in vain.
    let unknown = sign_rs256("b", None, &claims());
    assert_eq!(push(&relay, &unknown).await.told(), (401, "unauthorized".into()));
    assert_eq!(keys.asked(), 2);
    assert_eq!(push(&relay, &token).await.status, 200);
    keys.publish(Some("{ no keys".into()));
    assert_eq!(push(&relay, &token).await.status, 200);
}

#[tokio::test]
async fn ten_thousand_made_up_key_ids_cost_the_key_server_one_more_request() {
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = relay(&keys).await;
    let claims = claims();
    // The signature is another key's: only the id decides whether it is asked for.
    let tokens: Vec<String> = {
        let signed = sign_rs256("b", None, &claims);
        let (rest, signature) = signed.rsplit_once('.').unwrap();
        let payload = rest.split_once('.').unwrap().1;
        (0..10_000)
            .map(|n| format!("{}.{payload}.{signature}", forged::header(&format!("kid-{n}"))))
            .collect()
    };
    let statuses = futures_util::stream::iter(
        tokens.iter().map(async |token| push(&relay, token).await.status),
    );
    let statuses: Vec<u16> = statuses.buffer_unordered(64).collect().await;
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    assert!(keys.asked() <= 2, "{}", keys.asked());
    let good = sign_rs256("a", None, &claims);
    assert_eq!(push(&relay, &good).await.status, 200, "and nobody else is kept out");
}
