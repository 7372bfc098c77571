//! Functions write what they count as lines that CloudWatch makes metrics of.

use std::time::Duration;

use hookwire_telemetry::{METRICS, Values};
use hookwire_tests::{Function, gmail_push};
use serde_json::{Value, json};

use super::{Backends, deployed};
use crate::queue::{spilled, until};

/// The documents that a function has written, each with what the catalogue allows.
async fn documents(function: &Function) -> Vec<Value> {
    let log = function.log().await;
    let lines = log.lines().filter(|line| line.starts_with("{\"_aws\""));
    let documents: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    for document in &documents {
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Hookwire/tests");
        let dimensions: Vec<_> = texts(&directive["Dimensions"][0]);
        assert_eq!(dimensions[0], "function");
        for name in directive["Metrics"].as_array().unwrap().iter().map(|one| &one["Name"]) {
            let name = name.as_str().unwrap();
            let metric = METRICS.iter().find(|metric| metric.name == name).expect(name);
            assert!(metric.cloudwatch, "{name}");
            assert!(!document[name].is_null(), "{name}");
            for dimension in &dimensions[1..] {
                let label = metric.labels.iter().find(|label| label.name == *dimension);
                assert_ne!(label.expect(dimension).values, Values::Tenant);
            }
        }
    }
    documents
}

fn texts(array: &Value) -> Vec<&str> {
    array.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// What all documents say of a metric with these dimensions, together.
fn sum(documents: &[Value], name: &str, labels: &[(&str, &str)]) -> f64 {
    let with = |document: &&Value| labels.iter().all(|(name, value)| document[name] == *value);
    let said = documents.iter().filter(with).map(|document| {
        let told = &document[name];
        told.as_f64().or_else(|| told["Count"].as_f64()).unwrap_or_default()
    });
    said.sum()
}

#[tokio::test]
async fn receive_and_stream_write_what_they_count_at_the_end_of_invocations_and_of_the_process() {
    let (_redis, functions) =
        deployed(|options| options.set("METRICS_NAMESPACE", "Hookwire/tests")).await;
    let mut stream = functions.follow("topic=a", None).await;
    stream.primed().await;
    for id in ["1", "1", "2"] {
        functions.push("gmail", &gmail_push(id, "a@example.com", 1)).await;
    }
    functions.publish("a", "1", &json!(1)).await;
    assert_eq!(*stream.event().await.payload(), 1);
    let first = documents(&functions.receive).await;
    assert!(!first.is_empty(), "the first invocation writes");

    // What came after that is written at the end of the process.
    for function in [&functions.receive, &functions.stream] {
        let environment = function.environment().await;
        environment.terminate();
        assert_eq!(environment.exited().await, Some(0));
    }
    let received = documents(&functions.receive).await;
    let gmail = |outcome| [("function", "receive"), ("source", "gmail"), ("outcome", outcome)];
    assert_eq!(sum(&received, "hookwire_webhooks_total", &gmail("appended")), 2.0);
    assert_eq!(sum(&received, "hookwire_webhooks_total", &gmail("duplicate")), 1.0);
    let source = [("function", "receive"), ("source", "gmail")];
    assert_eq!(sum(&received, "hookwire_webhook_duration_seconds", &source), 3.0);
    assert_eq!(sum(&received, "hookwire_published_total", &[("outcome", "appended")]), 1.0);
    let streamed = documents(&functions.stream).await;
    let function = [("function", "stream")];
    assert_eq!(sum(&streamed, "hookwire_streams_opened_total", &function), 1.0);
    assert_eq!(sum(&streamed, "hookwire_streams_closed_total", &[("reason", "shutdown")]), 1.0);
    assert_eq!(sum(&streamed, "hookwire_events_delivered_total", &function), 1.0);
    assert_eq!(sum(&streamed, "hookwire_delivery_latency_seconds", &function), 1.0);
    let answers = [("route", "/events"), ("status", "2xx")];
    assert_eq!(sum(&streamed, "hookwire_http_responses_total", &answers), 1.0);
}

#[tokio::test]
async fn drain_writes_what_it_moved_and_how_old_it_was() {
    let backends = Backends::start(Duration::from_secs(5)).await;
    let functions = backends.functions().set("METRICS_NAMESPACE", "Hookwire/tests").start().await;
    let accepted = std::time::SystemTime::now() - Duration::from_secs(100);
    backends.queues.queue.send(&spilled("t", "1", "x", accepted)).await;
    until("it is told of", async || {
        let documents = documents(functions.drain()).await;
        sum(&documents, "hookwire_drained_total", &[("outcome", "appended")]) == 1.0
    })
    .await;
    let documents = documents(functions.drain()).await;
    let queue = [("function", "drain"), ("queue", "hookwire")];
    let oldest = sum(&documents, "hookwire_queue_oldest_seconds", &queue);
    assert!((99.0..400.0).contains(&oldest), "{documents:#?}");
}

#[tokio::test]
async fn switched_off_nothing_is_written() {
    let (_redis, functions) = deployed(|options| options.set("METRICS", "off")).await;
    functions.push("gmail", &gmail_push("1", "a@example.com", 1)).await;
    assert!(!functions.receive.log().await.contains("_aws"));
}
