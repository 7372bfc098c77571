//! The relay as Lambda functions: real binaries that speak the Runtime API, behind what API Gateway and SQS do to them.

mod browser;
mod cookies;
mod deadline;
mod departed;
mod drain;
mod durable;
mod frozen;
mod ledger;
mod lingering;
mod many;
mod metrics;
mod outage;
mod push;
mod requests;
mod rules;
mod secrets;
mod settings;
mod stop;
mod stream;

use std::time::Duration;

use hookwire_redis_server::Server as Redis;
use hookwire_sqs_server::{Faults, Queues, Server as Sqs};
use hookwire_tests::{Deployment, DeploymentOptions, HttpEvent, token};
use serde_json::{Value, json};

/// The functions over a Redis of their own.
async fn deployed(
    options: impl FnOnce(DeploymentOptions) -> DeploymentOptions,
) -> (Redis, Deployment) {
    let redis = Redis::start().await;
    let deployment = options(DeploymentOptions::over(&redis.url()).unlimited()).start().await;
    (redis, deployment)
}

/// A Redis, and an SQS behind a network that can be broken.
struct Backends {
    redis: Redis,
    _sqs: Sqs,
    faults: Faults,
    queues: Queues,
}

impl Backends {
    /// What the functions receive and do not delete comes again after `visibility`.
    async fn start(visibility: Duration) -> Self {
        let redis = Redis::start().await;
        let sqs = Sqs::start().await;
        let queues = sqs.queue("hookwire", 1_000, visibility).await;
        let faults = Faults::before(&sqs).await;
        Self { redis, _sqs: sqs, faults, queues }
    }

    /// The functions over both.
    fn functions(&self) -> DeploymentOptions {
        let reached = self.queues.queue.through(&self.faults);
        DeploymentOptions::over(&self.redis.url()).unlimited().queue(&self.queues.queue, &reached)
    }
}

/// Cuts every connection to Redis but the one that says so.
async fn cut(redis: &Redis) {
    for kind in ["normal", "pubsub"] {
        redis.query(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"]).await;
    }
}

/// A token that may do anything.
fn anything() -> String {
    token("tester", &json!({ "subscribe": ["**"], "publish": ["**"], "admin": true }))
}

/// Asks for a stream of this query, with a token that may.
fn follow(query: &str) -> HttpEvent {
    HttpEvent::get(&format!("/events?{query}")).bearer(&anything())
}

/// Publishes an event, with a token that may.
fn publish(topic: &str, id: &str, data: &Value) -> HttpEvent {
    let event = HttpEvent::post(&format!("/topics/{topic}/events")).bearer(&anything());
    event.header("idempotency-key", id).json(data)
}

/// The JSON in an answer's body.
fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default()
}

/// Status and outcome of a push or a publish.
fn outcome(answer: &Value) -> (u64, String) {
    let outcome = body(answer)["outcome"].as_str().unwrap_or_default().to_owned();
    (answer["statusCode"].as_u64().unwrap_or_default(), outcome)
}
