//! A server that does not answer, forgets, or is started anew.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use hookwire_redis::redis::from_redis_value;
use hookwire_redis_server::{PATIENCE, Server};
use hookwire_state::{
    Cursors, InstanceId, Lease, Limiter, Mark, Opened, Over, Quota, Revocation, Revocations,
    Revoke, StreamId, Streams, Tickets, Unavailable,
};
use hookwire_state_redis::RedisState;

use crate::state;

const LEASE: Duration = Duration::from_secs(30);
/// An answer may take half a second and a connection one, and these machines are busy.
const QUICKLY: Duration = Duration::from_secs(3);

fn quota() -> Quota {
    Quota::per_minute(NonZeroU32::MIN)
}

fn stream(instance: InstanceId, n: u64) -> StreamId {
    StreamId { instance, n }
}

fn revocation(name: &str) -> Revocation {
    Revocation { of: Revoke::Subject(name.into()), at_ms: 1_000 }
}

/// Makes every kind of call, and tells how each went.
async fn every_call(state: &RedisState) -> [Result<(), Unavailable>; 9] {
    let (instance, second) = (InstanceId::random(), Duration::from_secs(1));
    let lease = Lease { subject: "alice".into(), stream: stream(instance, 0), since_us: 1 };
    let (id, evict) = (lease.stream, Over::EvictOldest);
    [
        state.take("connects", "alice", quota()).await.map(drop),
        state.open("alice", id, 3, evict, second).await.map(drop),
        state.renew(&[lease], 3, second).await.map(drop),
        state.evicted(instance).await.map(drop),
        state.close("alice", id).await,
        state.spend("ticket", second).await.map(drop),
        state.put("alice", "phone", "1-1").await,
        state.revoke(&revocation("alice")).await,
        state.after(&Mark::default()).await.map(drop),
    ]
}

#[tokio::test]
async fn calls_fail_quickly_while_the_server_is_paused_and_succeed_when_it_goes_on() {
    let server = Server::start().await;
    let state = state(&server.url());
    assert!(every_call(&state).await.iter().all(Result::is_ok));
    server.pause();
    let paused_at = Instant::now();
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let started = Instant::now();
        let taken = state.take("connects", "alice", quota()).await;
        assert!(taken.is_err(), "{taken:?}");
        slowest = slowest.max(started.elapsed());
    }
    assert!(slowest < QUICKLY, "{slowest:?}");
    println!("the slowest of ten calls took {slowest:?}, all of them {:?}", paused_at.elapsed());
    let started = Instant::now();
    assert!(every_call(&state).await.iter().all(Result::is_err));
    assert!(started.elapsed() < 2 * QUICKLY, "{:?}", started.elapsed());
    server.resume();
    let resumed_at = Instant::now();
    while every_call(&state).await.iter().any(Result::is_err) {
        assert!(resumed_at.elapsed() < PATIENCE, "calls never succeed again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn nothing_is_kept_for_ever() {
    let server = Server::start().await;
    let state = state(&server.url());
    let instance = InstanceId::random();
    for n in 0..2 {
        let id = stream(instance, n);
        state.open("alice", id, 1, Over::EvictOldest, LEASE).await.unwrap();
        let other = stream(InstanceId::random(), n);
        state.open("alice", other, 1, Over::EvictOldest, LEASE).await.unwrap();
    }
    state.take("connects", "alice", quota()).await.unwrap();
    state.spend("ticket", LEASE).await.unwrap();
    state.put("alice", "phone", "1-1").await.unwrap();
    state.revoke(&revocation("alice")).await.unwrap();
    let keys: Vec<String> = from_redis_value(server.query(&["KEYS", "*"]).await).unwrap();
    assert!(keys.len() >= 6, "{keys:?}");
    for key in keys {
        let life_ms: i64 = from_redis_value(server.query(&["PTTL", &key]).await).unwrap();
        assert!(life_ms > 0, "{key}");
        assert!(!key.contains("alice") && !key.contains("ticket-"), "{key}");
    }
}

#[tokio::test]
async fn a_server_that_is_started_anew_is_used_at_once() {
    let mut server = Server::start().await;
    let state = state(&server.url());
    assert!(every_call(&state).await.iter().all(Result::is_ok));
    server.kill().await;
    assert!(state.take("connects", "alice", quota()).await.is_err());
    server.restart().await;
    // The connections are cut and the scripts are forgotten, and neither is an error to anybody.
    assert!(every_call(&state).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn what_the_server_forgets_is_made_anew() {
    let server = Server::start().await;
    let state = state(&server.url());
    let here = InstanceId::random();
    let opened = state.open("alice", stream(here, 0), 1, Over::EvictOldest, LEASE).await.unwrap();
    let Opened::Admitted { since_us, .. } = opened else { panic!("a place is free") };
    let (one, two) = (revocation("alice"), revocation("bob"));
    state.revoke(&one).await.unwrap();
    let (_, mark) = state.after(&Mark::default()).await.unwrap();
    assert!(state.take("connects", "alice", quota()).await.unwrap().is_allowed());
    assert!(!state.take("connects", "alice", quota()).await.unwrap().is_allowed());
    state.put("alice", "phone", "1-1").await.unwrap();
    server.query(&["FLUSHALL"]).await;
    server.query(&["SCRIPT", "FLUSH"]).await;
    assert!(state.take("connects", "alice", quota()).await.unwrap().is_allowed());
    assert_eq!(state.get("alice", "phone").await.unwrap(), None);
    let lease = Lease { subject: "alice".into(), stream: stream(here, 0), since_us };
    assert_eq!(state.renew(&[lease], 1, LEASE).await.unwrap(), []);
    let (_, evicted) = match state.open("alice", stream(here, 1), 1, Over::EvictOldest, LEASE).await
    {
        Ok(Opened::Admitted { since_us, evicted }) => (since_us, evicted),
        other => panic!("{other:?}"),
    };
    assert_eq!(evicted, [stream(here, 0)], "its lease was made anew");
    assert_eq!(state.after(&mark).await.unwrap(), (vec![], mark.clone()));
    state.revoke(&two).await.unwrap();
    assert_eq!(state.after(&mark).await.unwrap().0, [two]);
}

/// After a failover the new master may lack the last revocations, and give ids that are lower than theirs.
#[tokio::test]
async fn a_revocation_is_told_although_its_id_is_lower_than_the_mark() {
    let server = Server::start().await;
    let state = state(&server.url());
    let (one, two) = (revocation("alice"), revocation("bob"));
    state.revoke(&one).await.unwrap();
    let ahead = Mark("99999999999999-0".into());
    let (page, mark) = state.after(&ahead).await.unwrap();
    assert_eq!(page, [one]);
    state.revoke(&two).await.unwrap();
    assert_eq!(state.after(&mark).await.unwrap().0, [two]);
}

#[tokio::test]
async fn a_revocation_that_nobody_can_read_keeps_no_other_from_being_told() {
    let server = Server::start().await;
    let state = state(&server.url());
    let (one, two) = (revocation("alice"), revocation("bob"));
    state.revoke(&one).await.unwrap();
    let key = "hookwire:{revocations}:added";
    server.query(&["XADD", key, "*", "of", "planet", "name", "mars", "at", "1"]).await;
    server.query(&["XADD", key, "*", "x", "y"]).await;
    state.revoke(&two).await.unwrap();
    assert_eq!(state.after(&Mark::default()).await.unwrap().0, [one, two]);
}

/// Its answer may be lost, and then it is made again by itself.
#[tokio::test]
async fn a_call_that_lost_its_connection_is_made_again() {
    let server = Server::start().await;
    let state = state(&server.url());
    for n in 0..3 {
        server.query(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        assert!(state.spend(&format!("ticket-{n}"), LEASE).await.unwrap());
    }
}
