//! A receiver that goes away in mid-stream, as far as a function gets to know of it.

use std::time::Duration;

use hookwire_tests::{Deployment, DeploymentOptions, GatewayOptions, Invocation, Streamed};
use serde_json::{Value, json};

use super::{deployed, follow};

async fn open(functions: &Deployment, with: impl FnOnce(Invocation) -> Invocation) -> Streamed {
    let mut stream =
        functions.stream.invoke(with(Invocation::of(follow("topic=a")))).await.unwrap().streamed();
    stream.until("id: ").await;
    stream
}

async fn broken_off(mut stream: Streamed) {
    while stream.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
    assert!(stream.chunk().await.is_err());
}

async fn publish(functions: &Deployment, n: u64) {
    functions.publish("a", &n.to_string(), &json!(n)).await;
}

fn options(all: DeploymentOptions) -> DeploymentOptions {
    all.set("HEARTBEAT", "500ms")
}

#[tokio::test]
async fn an_answer_that_lambda_refuses_with_410_costs_one_stream_and_nothing_else() {
    for concurrency in [None, Some(8)] {
        let (_redis, functions) = deployed(|all| match concurrency {
            Some(invocations) => options(all).concurrency(invocations),
            None => options(all),
        })
        .await;
        let environment = functions.stream.warm().await;
        let refused = open(&functions, |one| one.gone_after(3)).await;
        broken_off(refused).await;
        environment.polls(concurrency.unwrap_or(1)).await;
        let mut stream = open(&functions, |one| one).await.into_stream();
        publish(&functions, 1).await;
        assert_eq!(*stream.event().await.payload(), 1);
        assert_eq!(functions.stream.environment().await.pid(), environment.pid());
    }
}

#[tokio::test]
async fn a_cut_connection_costs_one_stream_and_no_other_and_nobody_who_asks_for_more() {
    let (_redis, functions) = deployed(|all| options(all).concurrency(4)).await;
    let environment = functions.stream.warm().await;
    environment.polls(4).await;
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(open(&functions, |one| one).await.into_stream());
    }
    broken_off(open(&functions, |one| one.cut_after(3)).await).await;
    for n in 0..3 {
        publish(&functions, n).await;
        for other in &mut others {
            assert_eq!(*other.event().await.payload(), n);
        }
    }
    environment.polls(2).await;
    assert_eq!(functions.stream.environment().await.pid(), environment.pid());
}

#[tokio::test]
async fn a_process_that_serves_one_at_a_time_outlives_a_cut_connection() {
    let (_redis, functions) = deployed(options).await;
    let environment = functions.stream.warm().await;
    broken_off(open(&functions, |one| one.cut_after(3)).await).await;
    environment.polls(1).await;
    let mut stream = open(&functions, |one| one).await.into_stream();
    publish(&functions, 1).await;
    assert_eq!(*stream.event().await.payload(), 1);
    assert_eq!(functions.stream.environment().await.pid(), environment.pid());
}

#[tokio::test]
async fn where_a_departure_is_told_the_stream_ends_at_the_next_heartbeat() {
    let gateway = GatewayOptions::default().tells_departures();
    let (_redis, functions) = deployed(|all| options(all).gateway(gateway).reserved(1)).await;
    for _ in 0..3 {
        let mut stream = functions.follow("topic=a", None).await;
        stream.primed().await;
        drop(stream);
        functions.stream.environment().await.ready().await;
    }
    assert_eq!(functions.stream.environment().await.begun(), 3);
}

#[tokio::test]
async fn where_it_is_not_told_the_stream_lasts_as_long_as_it_may_and_no_longer() {
    let (_redis, functions) =
        deployed(|all| options(all).set("MAX_LIFETIME", "3s").reserved(1)).await;
    let mut stream = functions.follow("topic=a", None).await;
    stream.primed().await;
    drop(stream);
    let environment = functions.stream.environment().await;
    assert_eq!(functions.get("/events?topic=a").send().await.unwrap().status(), 429);
    environment.ready().await;
    // Nobody else's events pile up for it meanwhile.
    let history: Value =
        functions.get("/topics/a/events").send().await.unwrap().json().await.unwrap();
    assert_eq!(history["events"], json!([]));
    let answer = tokio::time::timeout(Duration::from_secs(60), functions.follow("topic=a", None));
    answer.await.unwrap().primed().await;
}
