//! Tenants share a relay and every name in it, and see nothing of each other.

mod party;
mod steps;

use hookwire_redis_server::Server;
use hookwire_tests::RelayOptions;
use serde_json::json;

use self::party::{Party, TENANTS};
use self::steps::Run;
use super::answer::Answer;

/// Runs at random, from a seed that is printed, over a log that the options choose.
async fn nothing_of_another_tenant_is_ever_seen(options: RelayOptions) {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let options = options.with_keys().set("STREAMS_PER_USER", 0).set("USER_LIMIT", 10_000_000);
    let relay = options.set("CLIENT_LIMIT", 10_000_000).start().await;
    let mut run = Run::new(&relay, fastrand::Rng::with_seed(seed));
    for _ in 0..200 {
        run.step().await;
    }
    run.compare_everything().await;
}

#[tokio::test]
async fn nothing_of_another_tenant_is_ever_seen_in_redis() {
    let redis = Server::start().await;
    let options = RelayOptions::default().log(redis.url()).set("REDIS_TIMEOUT", "5s");
    nothing_of_another_tenant_is_ever_seen(options).await;
}

#[tokio::test]
async fn nothing_of_another_tenant_is_ever_seen_in_memory() {
    nothing_of_another_tenant_is_ever_seen(RelayOptions::default()).await;
}

#[tokio::test]
async fn nothing_of_another_tenant_is_ever_seen_on_disk() {
    nothing_of_another_tenant_is_ever_seen(RelayOptions::default().on_disk()).await;
}

#[tokio::test]
async fn what_was_on_disk_before_a_restart_is_still_its_tenants() {
    let options = RelayOptions::default().on_disk().with_keys().set("STREAMS_PER_USER", 0);
    let mut relay = options.set("USER_LIMIT", 10_000_000).start().await;
    let rng = fastrand::Rng::with_seed(5);
    let mut run = Run::new(&relay, rng.clone());
    for _ in 0..60 {
        run.publish().await;
    }
    let model = run.into_model();
    relay.kill().await;
    relay.restart().await;
    Run::with_model(&relay, rng, model).compare_everything().await;
}

#[tokio::test]
async fn users_of_one_name_in_several_tenants_have_their_own_places_and_limits() {
    let options = RelayOptions::default().with_keys().set("STREAMS_PER_USER", 2);
    let relay = options.set("USER_LIMIT", 20).start().await;
    let parties = TENANTS.map(Party::new);
    let mut streams = Vec::new();
    for party in parties.iter().chain(&parties) {
        let mut stream = relay.stream(party.follow(&relay, "topic=t0")).await;
        stream.primed().await;
        streams.push((stream, party));
    }
    // The first one uses up what it has.
    while Answer::to(parties[0].history(&relay, "t0", "")).await.status == 200 {}
    for party in &parties[1..] {
        assert_eq!(Answer::to(party.history(&relay, "t0", "")).await.status, 200);
        let published = party.publish(&relay, "t0", "k", &json!({ "of": party.name() }));
        assert_eq!(Answer::to(published).await.json()["outcome"], "appended");
    }
    for (stream, party) in &mut streams[..] {
        if party.name() != parties[0].name() {
            // None was evicted, and the event is its own.
            assert_eq!(stream.event().await.payload(), &json!({ "of": party.name() }));
        }
    }
}
