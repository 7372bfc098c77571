//! A master that is lost, and a replica that takes its place.

use std::time::{Duration, Instant};

use hookwire_redis_server::{SentinelOptions, Server, ServerOptions};
use hookwire_tests::{Load, Plan};
use serde_json::json;

use super::two_relays;

/// Fails over under load, in the way that `fail` does it to the master, which `again` brings back.
async fn fail_over(fail: impl AsyncFn(&mut Server), again: impl AsyncFn(&mut Server)) {
    // Without a replica that listens a master takes nothing: one that was cut off would otherwise go on taking what is
    // lost as soon as it is told of the new one.
    let options = SentinelOptions::default().set("min-replicas-to-write", 1);
    let mut sentinel = options.set("min-replicas-max-lag", 2).start().await;
    let load = Load::start(&two_relays(&sentinel.url()).await, Plan::default()).await;
    load.accept(300).await;
    let master = sentinel.master().await;
    fail(&mut sentinel.servers[master]).await;
    let failed = Instant::now();
    load.deliver_a_new_one().await;
    println!("first delivered {:?} after the master was lost", failed.elapsed());
    load.accept(100).await;
    // It takes itself for the master until it is told otherwise; what it takes until then would be lost.
    again(&mut sentinel.servers[master]).await;
    load.accept(300).await;
    let outcome = load.finish().await;
    println!(
        "{} accepted, {} of them lost by Redis, {} refused, slowest answer {:?}",
        outcome.accepted, outcome.lost, outcome.refused, outcome.slowest
    );
    assert!(outcome.refused > 0 && outcome.degraded > 0, "{outcome:?}");
    for gaps in &outcome.gaps {
        assert!((1..=3).contains(&gaps.len()), "{gaps:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_killed_is_replaced_and_streams_go_on() {
    fail_over(async |master| master.kill().await, async |old| old.restart().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_falls_silent_is_replaced_and_streams_go_on() {
    fail_over(async |master| master.pause(), async |old| old.resume()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_promoted_without_the_last_entries_is_a_gap_to_who_has_seen_them() {
    let mut master = Server::start().await;
    let on_demand = ServerOptions::default().set("appendonly", "no");
    let of_master = format!("127.0.0.1 {}", master.port());
    let mut replica = on_demand.clone().set("replicaof", of_master).start().await;
    let [relay, _] = two_relays(&master.url()).await;
    relay.publish("a", "1", &json!(1)).await;
    while replica.info("master_link_status").await.as_deref() != Some("up")
        || replica.info("slave_repl_offset").await != master.info("master_repl_offset").await
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    replica.query(&["SAVE"]).await;
    // From here on the replica hears nothing more; were it only paused, it would find the rest in its socket.
    replica.kill().await;
    let mut stream = relay.follow("topic=a&earliest", None).await;
    for n in 2..=5 {
        relay.publish("a", &n.to_string(), &json!(n)).await;
    }
    let mut cursor = String::new();
    for n in 1..=5 {
        let event = stream.event().await;
        assert_eq!(*event.payload(), n);
        cursor = event.id;
    }
    let port = master.port();
    master.kill().await;
    drop(master);
    // With what the replica has, at the master's address, as a name or a proxy would lead there.
    let _promoted = on_demand.folder(replica.folder()).port(port).start().await;
    let gap = loop {
        let event = stream.event().await;
        match event.name.as_str() {
            "hookwire.degraded" | "hookwire.recovered" => {}
            _ => break event,
        }
    };
    assert_eq!((gap.name.as_str(), &gap.data["reason"]), ("hookwire.gap", &json!("rollback")));
    assert_eq!(gap.data["requested"], json!(cursor));
    relay.publish("a", "6", &json!(6)).await;
    let event = loop {
        let event = stream.event().await;
        if !event.name.starts_with("hookwire.") {
            break event;
        }
    };
    assert_eq!(*event.payload(), 6);
    // Who was away meets the same: the position that it saw is not there any more.
    let mut late = relay.follow("topic=a", Some(&cursor)).await;
    assert_eq!(late.event().await.data["reason"], "rollback");
    assert_eq!(*late.event().await.payload(), 6);
}
