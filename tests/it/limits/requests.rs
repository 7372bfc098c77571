use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use hookwire_tests::{Relay, RelayOptions, gmail_push};
use reqwest::Response;

use super::two_relays;
use crate::verification::{token, verified};

/// With 100 a minute one more is let through in this time.
const INTERVAL: Duration = Duration::from_millis(600);

async fn push(relay: &Relay, id: usize) -> Response {
    relay.push("gmail", &gmail_push(&id.to_string(), "a@example.com", 1)).await
}

/// How many of 100 a minute may have come through since `start`.
fn most_since(start: Instant) -> usize {
    100 + usize::try_from(start.elapsed().as_millis() / INTERVAL.as_millis()).unwrap() + 1
}

#[tokio::test]
async fn the_101st_push_without_proof_is_refused_wherever_it_lands_and_passes_after_the_time_it_is_told()
 {
    let (_redis, relays) = two_relays(RelayOptions::default()).await;
    for n in 0..100 {
        assert_eq!(push(&relays[n % 2], n).await.status(), 200, "push {n}");
    }
    let mut refused = Vec::new();
    for n in 100..300 {
        let answer = push(&relays[n % 2], n).await;
        if answer.status() == 429 {
            refused.push((n % 2, answer));
        }
        if refused.iter().any(|(at, _)| *at == 0) && refused.iter().any(|(at, _)| *at == 1) {
            break;
        }
    }
    let (_, answer) = refused.pop().expect("more than 100 a minute are refused by both");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().parse::<u64>().unwrap();
    assert_eq!((header("ratelimit-limit"), header("ratelimit-remaining")), (100, 0));
    assert!((59..=61).contains(&header("ratelimit-reset")), "{:?}", answer.headers());
    // That is the promise: so many seconds later.
    tokio::time::sleep(Duration::from_secs(header("retry-after"))).await;
    assert_eq!(push(&relays[0], 1_000).await.status(), 200);
}

#[tokio::test]
async fn of_300_pushes_to_two_relays_60_at_once_100_pass() {
    let (_redis, relays) = two_relays(RelayOptions::default()).await;
    let start = Instant::now();
    // More at once would have a busy machine answer so late that each relay counts alone.
    let pushes = stream::iter(0..300).map(|n| push(&relays[n % 2], n));
    let answers: Vec<Response> = pushes.buffer_unordered(60).collect().await;
    let passed = answers.iter().filter(|answer| answer.status() == 200).count();
    let most = most_since(start);
    assert!((100..=most).contains(&passed), "{passed} of at most {most}");
}

#[tokio::test]
async fn ten_thousand_made_up_addresses_do_not_help() {
    let (_redis, relays) = two_relays(RelayOptions::default()).await;
    let start = Instant::now();
    let mut passed = 0;
    for round in 0..100_u32 {
        let pushes = (0..100).map(|n| {
            let id = round * 100 + n;
            let push = relays[(n % 2) as usize].post("/webhooks/gmail");
            let made_up = std::net::Ipv4Addr::from(fastrand::u32(..));
            let push = push.header("x-forwarded-for", made_up.to_string());
            push.json(&gmail_push(&id.to_string(), "a@example.com", 1)).send()
        });
        let answers = join_all(pushes).await;
        passed += answers.iter().filter(|answer| answer.as_ref().unwrap().status() == 200).count();
    }
    let most = most_since(start);
    assert!((100..=most).contains(&passed), "{passed} of at most {most}");
}

#[tokio::test]
async fn verified_pushes_from_one_address_are_not_held_to_its_limit() {
    let (_redis, relays) = two_relays(verified().set("CLIENT_LIMIT", 10)).await;
    let token = token(|_| ());
    // As Google pushes them: 50 in a second, all from one of its addresses.
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    for n in 0..150 {
        ticks.tick().await;
        let push = relays[n % 2].post("/webhooks/gmail").bearer_auth(&token);
        let push = push.json(&gmail_push(&n.to_string(), "a@example.com", 1));
        assert_eq!(push.send().await.unwrap().status(), 200, "push {n}");
    }
}

#[tokio::test]
async fn without_redis_each_relay_limits_by_itself() {
    let options = RelayOptions::default().set("CLIENT_LIMIT", 20).set("REDIS_TIMEOUT", "200ms");
    let (mut redis, relays) = two_relays(options).await;
    redis.kill().await;
    let mut statuses = Vec::new();
    for n in 0..60 {
        statuses.push(push(&relays[0], n).await.status().as_u16());
    }
    // What passes the limit finds no log.
    let passed = statuses.iter().filter(|status| **status == 503).count();
    assert!(passed >= 20 && statuses.contains(&429), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 503 | 429)), "{statuses:?}");
}
