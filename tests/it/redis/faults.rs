//! One server that fails, under load on two relays: nothing that it kept is missing on any stream, and no stream ends.

use std::time::{Duration, Instant};

use hookwire_redis_server::{Server, ServerOptions};
use hookwire_tests::{Load, Plan, RelayOptions};
use serde_json::json;

use super::{two_patient_relays, two_relays};

/// What publishers are promised; two seconds are the aim.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_started_again_loses_nothing_with_an_append_only_file() {
    let mut server = Server::start().await;
    let load = Load::start(&two_relays(&server.url()).await, Plan::default()).await;
    for _ in 0..3 {
        load.accept(200).await;
        server.kill().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.restart().await;
        let restarted = Instant::now();
        load.deliver_a_new_one().await;
        println!("delivered {:?} after the restart", restarted.elapsed());
    }
    load.accept(200).await;
    let outcome = load.finish().await;
    println!("{} accepted, slowest answer {:?}", outcome.accepted, outcome.slowest);
    assert_eq!(outcome.lost, 0);
    assert!(outcome.only_possible_losses(3), "{:?}", outcome.gaps);
    assert!(outcome.refused > 0 && outcome.degraded > 0, "{outcome:?}");
    assert!(outcome.slowest < ANSWER_WITHIN, "{:?}", outcome.slowest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_for_twenty_seconds_loses_nothing() {
    let server = Server::start().await;
    let load = Load::start(&two_relays(&server.url()).await, Plan::default()).await;
    load.accept(200).await;
    server.pause();
    tokio::time::sleep(Duration::from_secs(20)).await;
    server.resume();
    let resumed = Instant::now();
    load.deliver_a_new_one().await;
    println!("delivered {:?} after the server went on", resumed.elapsed());
    load.accept(200).await;
    let outcome = load.finish().await;
    println!("{} accepted, slowest answer {:?}", outcome.accepted, outcome.slowest);
    assert_eq!((outcome.lost, outcome.gaps.concat()), (0, Vec::new()), "it is the same server");
    assert!(outcome.refused > 0 && outcome.degraded > 0, "{outcome:?}");
    assert!(outcome.slowest < ANSWER_WITHIN, "{:?}", outcome.slowest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_cut_again_and_again_hides_nothing() {
    let server = Server::start().await;
    let load = Load::start(&two_patient_relays(&server.url()).await, Plan::default()).await;
    let mut cuts = 0;
    while load.accepted() < 2_000 {
        load.accept(20).await;
        server.query(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
        cuts += 1;
    }
    let outcome = load.finish().await;
    println!("{} accepted over {cuts} cuts", outcome.accepted);
    assert_eq!((outcome.lost, outcome.gaps.concat()), (0, Vec::new()));
    assert_eq!(outcome.refused, 0, "appends go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connection_that_is_cut_costs_no_answer() {
    let server = Server::start().await;
    let load = Load::start(&two_patient_relays(&server.url()).await, Plan::default()).await;
    for _ in 0..20 {
        load.accept(30).await;
        for of in ["normal", "pubsub"] {
            server.query(&["CLIENT", "KILL", "TYPE", of, "SKIPME", "yes"]).await;
        }
    }
    let outcome = load.finish().await;
    assert_eq!((outcome.lost, outcome.refused, outcome.gaps.concat()), (0, 0, Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_flushed_is_told_of_once_on_every_stream() {
    let server = Server::start().await;
    let load = Load::start(&two_relays(&server.url()).await, Plan::default()).await;
    load.accept(200).await;
    server.query(&["FLUSHALL"]).await;
    load.accept(200).await;
    let outcome = load.finish().await;
    assert!(outcome.lost >= 100, "{}", outcome.lost);
    for gaps in &outcome.gaps {
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert_eq!(gaps[0]["reason"], "reset");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_server_is_told_of_even_when_nothing_is_published_any_more() {
    let server = Server::start().await;
    let [relay, _] = two_relays(&server.url()).await;
    relay.publish("a", "1", &json!(1)).await;
    let mut stream = relay.follow("topic=a&earliest", None).await;
    assert_eq!(*stream.event().await.payload(), 1);
    server.query(&["FLUSHALL"]).await;
    let gap = stream.event().await;
    assert_eq!((gap.name.as_str(), &gap.data["reason"]), ("hookwire.gap", &"reset".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_is_lost_is_made_up_for() {
    let server = Server::start().await;
    server.query(&["ACL", "SETUSER", "mute", "on", ">mute", "~*", "resetchannels", "+@all"]).await;
    let mute = RelayOptions::default().log(server.url().replace("redis://", "redis://mute:mute@"));
    let (relay, mute) =
        tokio::join!(RelayOptions::default().log(server.url()).start(), mute.start());
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    // An append of which nothing is published, the last one of all, so that no later one shows the hole.
    mute.publish("a", "1", &json!(1)).await;
    assert_eq!(*stream.event().await.payload(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_event_of_a_quiet_topic_comes_although_the_subscription_was_cut() {
    const TOPICS: usize = 40;
    let server = Server::start().await;
    let [one, two] = two_patient_relays(&server.url()).await;
    let mut streams = Vec::new();
    for topic in 0..TOPICS {
        let mut stream = one.follow(&format!("topic=quiet-{topic}"), None).await;
        stream.primed().await;
        streams.push(stream);
    }
    for round in 0..50 {
        let publish = async |topic: usize| {
            two.publish(&format!("quiet-{topic}"), &round.to_string(), &json!(round)).await
        };
        let publishes = futures_util::future::join_all((0..TOPICS).map(publish));
        let kill = ["CLIENT", "KILL", "TYPE", "pubsub"];
        let (_, _) = tokio::join!(publishes, server.query(&kill));
        for stream in &mut streams {
            let event = loop {
                let event = stream.event().await;
                if !event.name.starts_with("hookwire.") {
                    break event;
                }
            };
            assert_eq!(*event.payload(), round);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_full_refuses_and_marks_nothing() {
    let server = ServerOptions::default().set("maxmemory-policy", "noeviction").start().await;
    let load = Load::start(&two_relays(&server.url()).await, Plan::default()).await;
    load.accept(200).await;
    server.query(&["CONFIG", "SET", "maxmemory", "1mb"]).await;
    let accepted = load.accepted();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(load.accepted() <= accepted + 8, "only what was on its way is taken");
    server.query(&["CONFIG", "SET", "maxmemory", "0"]).await;
    load.accept(200).await;
    let outcome = load.finish().await;
    assert_eq!((outcome.lost, outcome.gaps.concat()), (0, Vec::new()));
    assert!(outcome.refused > 0 && outcome.slowest < ANSWER_WITHIN, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_are_flushed_are_loaded_again_without_an_error() {
    let server = Server::start().await;
    let load = Load::start(&two_patient_relays(&server.url()).await, Plan::default()).await;
    for _ in 0..50 {
        load.accept(20).await;
        server.query(&["SCRIPT", "FLUSH"]).await;
    }
    let outcome = load.finish().await;
    assert_eq!((outcome.lost, outcome.refused, outcome.gaps.concat()), (0, 0, Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_with_foreign_keys_fails_alone() {
    let server = Server::start().await;
    let [relay, _] = two_relays(&server.url()).await;
    relay.publish("spoilt", "1", &json!(1)).await;
    let keys = server.query(&["KEYS", "*:log"]).await;
    let redis::Value::Array(keys) = keys else { panic!("{keys:?}") };
    let redis::Value::BulkString(key) = &keys[0] else { panic!("{keys:?}") };
    let key = std::str::from_utf8(key).unwrap();
    server.query(&["SET", key, "junk"]).await;
    for n in 0..20 {
        let request = relay.post("/topics/spoilt/events").header("idempotency-key", "2").json(&n);
        assert_eq!(request.send().await.unwrap().status(), 503);
        relay.publish("sound", &n.to_string(), &json!(n)).await;
    }
    // An id whose event was never taken is not marked.
    server.query(&["DEL", key]).await;
    assert_eq!(relay.publish("spoilt", "2", &json!(2)).await["outcome"], "appended");
}
