//! A cluster: topics lie in many slots, and slots move.

use std::time::Instant;

use hookwire_redis_server::{Cluster, Server};
use hookwire_tests::{Load, Outcome, Plan};
use tokio::task::JoinSet;

use super::two_relays;

const PLAN: Plan =
    Plan { topics: 12, publishers: 12, streams: 24, pace: std::time::Duration::from_millis(5) };

fn told(outcome: &Outcome) {
    println!(
        "{} accepted, {} of them lost by Redis, {} refused, slowest answer {:?}",
        outcome.accepted, outcome.lost, outcome.refused, outcome.slowest
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_of_a_cluster_that_is_killed_is_replaced_and_the_others_go_on() {
    let mut cluster = Cluster::start().await;
    let relays = two_relays(&cluster.url()).await;
    let load = Load::start(&relays, PLAN).await;
    load.accept(600).await;
    let elsewhere = topics_at(&cluster.nodes[1]).await + topics_at(&cluster.nodes[2]).await;
    cluster.nodes[0].kill().await;
    let killed = Instant::now();
    // Until the cluster notices that one is missing, which is when it stops as a whole by default; so all are asked at once.
    let mut asked = JoinSet::new();
    for topic in 0..PLAN.topics {
        let request = relays[0].post(&format!("/topics/load%2F{topic}/events"));
        let request = request.header("idempotency-key", format!("meanwhile-{topic}"));
        asked.spawn(request.json(&format!("meanwhile-{topic}")).send());
    }
    let answers = asked.join_all().await;
    let taken =
        answers.into_iter().filter(|answer| answer.as_ref().unwrap().status() == 200).count();
    println!("{taken} topics took events {:?} after the kill", killed.elapsed());
    assert_eq!(taken, elsewhere, "the topics of the other masters go on");
    load.deliver_a_new_one().await;
    println!("delivered {:?} after the kill", killed.elapsed());
    cluster.master_of_slot(0).await;
    println!("a replica was promoted {:?} after the kill", killed.elapsed());
    load.accept(600).await;
    let outcome = load.finish().await;
    println!("all caught up {:?} after the kill", killed.elapsed());
    told(&outcome);
    assert!(outcome.gaps.iter().all(|gaps| gaps.len() <= 2), "{:?}", outcome.gaps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_move_to_another_node_under_load_lose_nothing() {
    let cluster = Cluster::start().await;
    let load = Load::start(&two_relays(&cluster.url()).await, PLAN).await;
    load.accept(300).await;
    let keys = slots_in_use(&cluster).await;
    assert!(keys.len() >= 6, "{keys:?}");
    for slot in &keys {
        let from = cluster.master_of_slot(*slot).await;
        cluster.migrate_slot(*slot, from, (from + 1) % 3).await;
        load.accept(50).await;
    }
    load.accept(300).await;
    let outcome = load.finish().await;
    println!("{} slots were moved", keys.len());
    told(&outcome);
    assert_eq!(outcome.lost, 0);
    assert!(outcome.only_possible_losses(1), "{:?}", outcome.gaps);
}

async fn topics_at(node: &Server) -> usize {
    match node.query(&["KEYS", "*:log"]).await {
        redis::Value::Array(keys) => keys.len(),
        other => panic!("{other:?}"),
    }
}

/// The slots of all topics.
async fn slots_in_use(cluster: &Cluster) -> Vec<u16> {
    let mut slots = std::collections::BTreeSet::new();
    for node in &cluster.nodes[..3] {
        let redis::Value::Array(keys) = node.query(&["KEYS", "*:log"]).await else { panic!() };
        for key in keys {
            let redis::Value::BulkString(key) = key else { panic!("{key:?}") };
            let key = String::from_utf8(key).unwrap();
            let redis::Value::Int(slot) = node.query(&["CLUSTER", "KEYSLOT", &key]).await else {
                panic!()
            };
            slots.insert(u16::try_from(slot).unwrap());
        }
    }
    slots.into_iter().collect()
}
