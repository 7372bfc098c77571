//! The harness finds out who breaks the rules of the platform.

use hookwire_redis_server::Server as Redis;
use hookwire_tests::{Function, FunctionOptions, Invocation, SECRET};
use rustix::process::{Signal, kill_process};

use super::follow;
use crate::queue::until;

async fn function(redis: &Redis, variables: &[(&str, &str)]) -> Function {
    let folder = tempfile::tempdir().unwrap();
    let options = FunctionOptions::new("hookwire-stream", "stream", folder.path())
        .variable("HOOKWIRE_LOG", redis.url())
        .variable("HOOKWIRE_JWT_SECRET", SECRET);
    let options = variables.iter().fold(options, |all, (name, value)| all.variable(name, value));
    let function = options.deploy();
    function.warm().await;
    function
}

#[tokio::test]
async fn a_process_that_asks_for_more_than_it_may_have_is_found_out() {
    let redis = Redis::start().await;
    // It takes itself for one that has four, and Lambda gives it one.
    let function = function(&redis, &[("AWS_LAMBDA_MAX_CONCURRENCY", "4")]).await;
    let environment = function.environment().await;
    environment.polls(4).await;
    let mut stream = function.invoke(Invocation::of(follow("topic=a"))).await.unwrap().streamed();
    stream.until("id: ").await;
    environment.polls(3).await;
    let faults = function.faults().await.join("\n");
    assert!(faults.contains("polls beside"), "{faults}");
}

#[tokio::test]
async fn a_process_that_ends_by_itself_is_found_out() {
    let redis = Redis::start().await;
    let function = function(&redis, &[]).await;
    assert_eq!(function.faults().await, Vec::<String>::new());
    let environment = function.environment().await;
    kill_process(environment.pid(), Signal::KILL).unwrap();
    until("it has ended", async || environment.has_exited()).await;
    let faults = function.faults().await.join("\n");
    assert!(faults.contains("ended by itself"), "{faults}");
}
