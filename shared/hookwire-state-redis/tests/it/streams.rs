//! Leases of streams that outlive whoever held them, and renewals of many.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hookwire_redis_server::{Cluster, PATIENCE, Server};
use hookwire_state::{
    Ended, Holder, InstanceId, Lease, OpenStreams, Opened, Over, Revoke, StreamId, Streams,
    StreamsConfig,
};
use hookwire_state_redis::RedisState;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::{LONGEST_TOKEN, patient_state, state};

const LEASE: Duration = Duration::from_millis(900);
const MOST: u32 = 3;
/// Where the process that is killed finds the server.
const URL: &str = "HOOKWIRE_TEST_URL";
const HOLDING: &str = "all places are held";

/// Not a test but the process that the next one kills.
#[tokio::test]
#[ignore = "it serves streams until it is killed"]
async fn a_process_that_serves_streams() {
    #[expect(clippy::disallowed_methods, reason = "a test has no other arguments")]
    let Ok(url) = std::env::var(URL) else { return };
    let shared = Arc::new(state(&url));
    let config = StreamsConfig {
        most: MOST,
        over: Over::RefuseNewest,
        lease: LEASE,
        longest_token: LONGEST_TOKEN,
        leeway: Duration::ZERO,
    };
    let open = Arc::new(OpenStreams::new(config, Arc::clone(&shared) as _, shared));
    let mut places = Vec::new();
    for _ in 0..MOST {
        let alice = Holder { subject: "alice".into(), token: None, issued_at: None };
        places.push(open.open(alice).await.unwrap());
    }
    eprintln!("{HOLDING}");
    open.watch().await;
}

#[tokio::test]
async fn an_eviction_and_a_revocation_reach_the_other_instance_within_a_second() {
    let server = Server::start().await;
    let second = Duration::from_secs(1);
    let config = StreamsConfig {
        most: 1,
        over: Over::EvictOldest,
        lease: 30 * second,
        longest_token: LONGEST_TOKEN,
        leeway: Duration::ZERO,
    };
    let [here, there] = [(); 2].map(|()| {
        let shared = Arc::new(state(&server.url()));
        let open = Arc::new(OpenStreams::new(config, Arc::clone(&shared) as _, shared));
        tokio::spawn(Arc::clone(&open).watch());
        open
    });
    let holder = |subject: &str| Holder {
        subject: subject.into(),
        token: Some(format!("token of {subject}")),
        issued_at: None,
    };
    let mut alice = here.open(holder("alice")).await.unwrap();
    let mut bob = here.open(holder("bob")).await.unwrap();
    let _newer = there.open(holder("alice")).await.unwrap();
    let ended = tokio::time::timeout(second, alice.ended()).await;
    assert_eq!(ended, Ok(Ended::Evicted));
    there.revoke(Revoke::Token("token of bob".into()), SystemTime::now()).await.unwrap();
    assert_eq!(tokio::time::timeout(second, bob.ended()).await, Ok(Ended::Revoked));
}

async fn is_full(state: &RedisState) -> bool {
    let stream = StreamId { instance: InstanceId::random(), n: 0 };
    match state.open("alice", stream, MOST, Over::RefuseNewest, LEASE).await.unwrap() {
        Opened::Full { .. } => true,
        Opened::Admitted { .. } => false,
    }
}

#[tokio::test]
async fn the_places_of_a_killed_process_are_free_after_the_lease_time() {
    let server = Server::start().await;
    let state = state(&server.url());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "streams::a_process_that_serves_streams"]);
    command.env(URL, server.url()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let held = async { while lines.next_line().await.unwrap().unwrap() != HOLDING {} };
    tokio::time::timeout(PATIENCE, held).await.unwrap();
    // While it lives it renews.
    let since = Instant::now();
    while since.elapsed() < LEASE * 2 {
        assert!(is_full(&state).await);
        tokio::time::sleep(LEASE / 10).await;
    }
    process.kill().await.unwrap();
    let killed_at = Instant::now();
    while is_full(&state).await {
        assert!(killed_at.elapsed() < PATIENCE, "the places are never free");
        tokio::time::sleep(LEASE / 30).await;
    }
    let waited = killed_at.elapsed();
    assert!(waited < LEASE + Duration::from_secs(1), "{waited:?}");
}

#[tokio::test]
async fn places_are_given_exactly_once_to_two_handles_that_ask_at_once() {
    let server = Server::start().await;
    let handles = [patient_state(&server.url()), patient_state(&server.url())].map(Arc::new);
    let mut opening = tokio::task::JoinSet::new();
    for n in 0..100 {
        let handle = Arc::clone(&handles[n % 2]);
        opening.spawn(async move { is_full(&handle).await });
    }
    let full = opening.join_all().await;
    assert_eq!(full.iter().filter(|full| !**full).count(), MOST as usize);
}

#[tokio::test]
async fn a_lease_ends_although_another_one_of_its_subject_goes_on() {
    let server = Server::start().await;
    let state = state(&server.url());
    let (instance, long, short) = (InstanceId::random(), LEASE * 100, LEASE / 10);
    for (n, lease) in [(0, long), (1, short)] {
        let stream = StreamId { instance, n };
        state.open("alice", stream, 2, Over::RefuseNewest, lease).await.unwrap();
    }
    tokio::time::sleep(short).await;
    for (n, is_full) in [(2, false), (3, true)] {
        let stream = StreamId { instance, n };
        let opened = state.open("alice", stream, 2, Over::RefuseNewest, long).await.unwrap();
        assert_eq!(matches!(opened, Opened::Full { .. }), is_full, "{n}");
    }
}

/// The leases of a hundred subjects are all over a cluster, and one call renews them.
#[tokio::test]
async fn leases_in_every_slot_are_renewed_and_a_lost_master_costs_only_its_own() {
    let mut cluster = Cluster::start().await;
    let (state, long) = (state(&cluster.url()), Duration::from_mins(1));
    let instance = InstanceId::random();
    let mut leases = Vec::new();
    for n in 0..100 {
        let (subject, stream) = (format!("user-{n}@example.com"), StreamId { instance, n });
        let opened = state.open(&subject, stream, 1, Over::EvictOldest, long).await.unwrap();
        let Opened::Admitted { since_us, .. } = opened else { panic!("a place is free") };
        leases.push(Lease { subject, stream, since_us });
    }
    assert_eq!(state.renew(&leases, 1, long).await.unwrap(), []);
    let newer = InstanceId::random();
    for lease in &leases {
        let stream = StreamId { instance: newer, n: lease.stream.n };
        state.open(&lease.subject, stream, 1, Over::EvictOldest, long).await.unwrap();
    }
    assert_eq!(state.renew(&leases, 1, long).await.unwrap().len(), leases.len());
    cluster.nodes[0].kill().await;
    let started = Instant::now();
    let gone = state.renew(&leases, 1, long).await.unwrap();
    assert!(
        gone.len() > 50 && started.elapsed() < PATIENCE,
        "{} {:?}",
        gone.len(),
        started.elapsed()
    );
}
