//! Two relays, one log: what is pushed to either reaches the streams of both.

use std::collections::HashSet;
use std::sync::Arc;

use hookwire_redis_server::Server;
use hookwire_tests::gmail_push;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::two_relays;

/// Clients of a server by what they do, as `CLIENT LIST` tells it.
async fn clients(server: &Server) -> (usize, usize) {
    let list = server.query(&["CLIENT", "LIST"]).await;
    let list = match list {
        redis::Value::BulkString(list) => String::from_utf8(list).unwrap(),
        redis::Value::VerbatimString { text, .. } => text,
        other => panic!("{other:?}"),
    };
    let ours: Vec<&str> = list
        .lines()
        .filter(|line| line.contains("lib-name=hookwire") || !line.contains("cmd=client"))
        .collect();
    let subscribed = ours.iter().filter(|line| !line.contains(" sub=0 ")).count();
    (subscribed, ours.len() - subscribed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_pushed_to_either_of_two_relays_arrives_once_on_two_thousand_streams() {
    const STREAMS: usize = 1_000;
    let server = Server::start().await;
    let relays = two_relays(&server.url()).await;
    let topic = "gmail/alice@example.com";
    let mut streams = Vec::new();
    for relay in &relays {
        for _ in 0..STREAMS {
            let mut stream = relay.follow(&format!("topic={topic}"), None).await;
            stream.primed().await;
            streams.push(stream);
        }
    }
    let (subscribed, others) = clients(&server).await;
    assert_eq!(subscribed, 2, "one subscription for each process");
    assert!(others <= 2 * 50, "{others} connections");
    for (n, relay) in relays.iter().enumerate() {
        let push = gmail_push(&format!("m-{n}"), "alice@example.com", 100 + n as u64);
        assert_eq!(relay.push("gmail", &push).await.status(), 200);
    }
    relays[0].publish(&topic.replace('/', "%2F"), "end", &json!("end")).await;
    let mut reading = JoinSet::new();
    for mut stream in streams {
        reading.spawn(async move {
            let mut seen = Vec::new();
            loop {
                let event = stream.event().await;
                assert!(!event.name.starts_with("hookwire."), "{event:?}");
                if *event.payload() == "end" {
                    return seen;
                }
                seen.push(event.payload()["historyId"].clone());
            }
        });
    }
    for seen in reading.join_all().await {
        assert_eq!(seen, [json!("100"), json!("101")]);
    }
    let (subscribed, others) = clients(&server).await;
    assert_eq!(subscribed, 2);
    assert!(others <= 2 * 50, "{others} connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_twins_at_two_relays_are_one_event() {
    let server = Server::start().await;
    let relays = two_relays(&server.url()).await;
    let push = Arc::new(gmail_push("twin", "alice@example.com", 7));
    let mut pushes = JoinSet::new();
    for n in 0..100 {
        let (relay, push) = (Arc::clone(&relays[n % 2]), Arc::clone(&push));
        pushes.spawn(async move {
            let answer = relay.push("gmail", &push).await;
            assert_eq!(answer.status(), 200);
            answer.json::<Value>().await.unwrap()["outcome"].as_str().unwrap().to_owned()
        });
    }
    let outcomes = pushes.join_all().await;
    let count = |outcome: &str| outcomes.iter().filter(|one| *one == outcome).count();
    assert_eq!((count("appended"), count("duplicate")), (1, 99));
    let history = "/topics/gmail%2Falice@example.com/events";
    let logs: HashSet<String> = [
        relays[0].get(history).send().await.unwrap().text().await.unwrap(),
        relays[1].get(history).send().await.unwrap().text().await.unwrap(),
    ]
    .into();
    let [log] = logs.into_iter().collect::<Vec<_>>().try_into().expect("both show the same log");
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["events"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_too_large_to_be_published_along_comes_from_the_log_in_its_place() {
    let server = Server::start().await;
    let [one, two] = two_relays(&server.url()).await;
    let mut stream = one.follow("topic=a", None).await;
    stream.primed().await;
    let sizes = [10, 900_000, 20, 16_000, 17_000, 30];
    for (n, size) in sizes.iter().enumerate() {
        two.publish("a", &n.to_string(), &json!("x".repeat(*size))).await;
    }
    for size in sizes {
        assert_eq!(stream.event().await.payload().as_str().unwrap().len(), size);
    }
}
