//! Limits that several processes count together.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hookwire_redis::Fault;
use hookwire_redis_server::{Cluster, Server};
use hookwire_state::{Limiter, Quota, Unavailable, Verdict};
use hookwire_state_redis::RedisState;
use tokio::task::JoinSet;

use crate::{patient_state, state};

fn quota(per_minute: u32, burst: u32) -> Quota {
    let [per_minute, burst] = [per_minute, burst].map(|number| NonZeroU32::new(number).unwrap());
    Quota { per_minute, burst }
}

/// Has handles of its own try at once, and tells how many tries were let through.
async fn let_through(url: &str, handles: usize, tries: usize, quota: Quota) -> usize {
    let mut trying = JoinSet::new();
    for _ in 0..handles {
        let state = Arc::new(patient_state(url));
        for _ in 0..tries {
            let state = Arc::clone(&state);
            trying.spawn(async move { take_in_turn(&state, quota).await });
        }
    }
    let verdicts = trying.join_all().await;
    verdicts.iter().filter(|verdict| verdict.is_allowed()).count()
}

/// Asks again for as long as all connections are in use, when nothing was asked.
async fn take_in_turn(state: &RedisState, quota: Quota) -> Verdict {
    loop {
        match state.take("connects", "alice", quota).await {
            Ok(verdict) => return verdict,
            Err(Unavailable(cause)) => {
                let fault = cause.downcast_ref::<Fault>();
                assert!(matches!(fault, Some(Fault::Busy)), "{cause}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_any_number_of_tries_on_two_handles_exactly_the_burst_is_let_through() {
    let server = Server::start().await;
    // One more would be let through after a minute.
    assert_eq!(let_through(&server.url(), 2, 300, quota(1, 100)).await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_is_in_a_cluster() {
    let cluster = Cluster::start().await;
    assert_eq!(let_through(&cluster.url(), 2, 100, quota(1, 30)).await, 30);
}

#[tokio::test]
async fn a_verdict_tells_what_is_left_and_when_to_come_again() {
    let server = Server::start().await;
    let state = state(&server.url());
    let quota = quota(60, 3);
    for left in [2, 1, 0] {
        let verdict = state.take("connects", "alice", quota).await.unwrap();
        assert!(verdict.is_allowed() && verdict.remaining == left, "{verdict:?}");
    }
    let second = Duration::from_secs(1);
    let over = state.take("connects", "alice", quota).await.unwrap();
    assert!(!over.is_allowed() && over.retry_after <= second, "{over:?}");
    assert!(over.remaining == 0 && over.reset_after <= 3 * second, "{over:?}");
    assert!(over.reset_after > over.retry_after, "{over:?}");
    for (scope, key) in [("connects", "bob"), ("publishes", "alice")] {
        assert_eq!(state.take(scope, key, quota).await.unwrap().remaining, 2, "{scope} {key}");
    }
}

#[tokio::test]
async fn a_try_is_let_through_again_after_the_time_that_it_was_told() {
    let server = Server::start().await;
    let state = state(&server.url());
    let quota = quota(600, 1);
    assert!(state.take("connects", "alice", quota).await.unwrap().is_allowed());
    let over = state.take("connects", "alice", quota).await.unwrap();
    tokio::time::sleep(over.retry_after).await;
    assert!(state.take("connects", "alice", quota).await.unwrap().is_allowed());
}

/// Otherwise a failover to a server whose clock is behind would keep everybody out for as long as it is.
#[tokio::test]
async fn what_another_clock_wrote_costs_no_more_than_a_whole_burst() {
    let server = Server::start().await;
    let state = state(&server.url());
    let quota = quota(60, 3);
    state.take("connects", "alice", quota).await.unwrap();
    let keys = server.query(&["KEYS", "*"]).await;
    let keys: Vec<String> = hookwire_redis::redis::from_redis_value(keys).unwrap();
    server.query(&["SET", &keys[0], "9000000000000000"]).await;
    let over = state.take("connects", "alice", quota).await.unwrap();
    assert_eq!(over.retry_after, Duration::from_secs(1));
    assert_eq!(over.reset_after, Duration::from_secs(3));
}

#[tokio::test]
async fn a_quota_of_any_size_is_computed_with() {
    let server = Server::start().await;
    let state = state(&server.url());
    for (per_minute, burst) in [(1, u32::MAX), (u32::MAX, 1), (u32::MAX, u32::MAX), (7, 1)] {
        let scope = format!("{per_minute}-{burst}");
        let verdict = state.take(&scope, "alice", quota(per_minute, burst)).await.unwrap();
        assert!(verdict.is_allowed() && verdict.remaining < burst, "{scope}: {verdict:?}");
    }
}
