//! A master that is lost, and a replica that takes its place.

use std::time::{Duration, Instant};

use hookwire_redis_server::{Sentinel, Server, ServerOptions};
use hookwire_tests::{Load, Plan};
use serde_json::json;

use super::two_relays;

/// Fails over under load, in the way that `fail` does it to the master.
async fn fail_over(fail: impl AsyncFn(&mut Server)) {
    let mut sentinel = Sentinel::start().await;
    let load = Load::start(&two_relays(&sentinel.url()).await, Plan::default()).await;
    load.accept(300).await;
    let master = sentinel.master().await;
    fail(&mut sentinel.servers[master]).await;
    let failed = Instant::now();
    load.deliver().await;
    println!("first delivered {:?} after the master was lost", failed.elapsed());
    load.accept(300).await;
    let outcome = load.finish().await;
    println!(
        "{} accepted, {} of them lost by Redis, {} refused, slowest answer {:?}",
        outcome.accepted, outcome.lost, outcome.refused, outcome.slowest
    );
    assert!(outcome.refused > 0 && outcome.degraded > 0, "{outcome:?}");
    assert!(outcome.slowest < Duration::from_millis(2_500), "{:?}", outcome.slowest);
    for gaps in &outcome.gaps {
        assert!((1..=2).contains(&gaps.len()), "{gaps:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_killed_is_replaced_and_streams_go_on() {
    fail_over(async |master| master.kill().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_falls_silent_is_replaced_and_streams_go_on() {
    fail_over(async |master| master.pause()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_promoted_without_the_last_entries_is_a_gap_to_who_has_seen_them() {
    let mut master = Server::start().await;
    let mut replica = ServerOptions::default()
        .set("replicaof", format!("127.0.0.1 {}", master.port()))
        .start()
        .await;
    let [relay, _] = two_relays(&master.url()).await;
    relay.publish("a", "1", &json!(1)).await;
    assert_eq!(master.query(&["WAIT", "1", "10000"]).await, redis::Value::Int(1));
    // Until then what it has is only in its memory.
    while replica.info("aof_rewrite_in_progress").await != Some("0".into())
        || replica.info("aof_rewrite_scheduled").await != Some("0".into())
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
    let _promoted = ServerOptions::default().folder(replica.folder()).port(port).start().await;
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
