use std::time::Duration;

use hookwire_redis_server::Server as Redis;
use hookwire_sqs_server::Server as Sqs;
use hookwire_tests::{
    Collector, Deployment, DeploymentOptions, Freezing, HttpEvent, Span, gmail_push,
};
use serde_json::{Value, json};

use super::{TOPIC, TRACE, traceparent};

/// The functions, which stand still when they have answered, with their traces sent to this collector.
fn functions(redis: &Redis, collector: &Collector) -> DeploymentOptions {
    let options = DeploymentOptions::over(&redis.url()).unlimited();
    let options = options.freezing(Freezing::AfterEachAnswer).set("LINGER", "2s");
    collector
        .variables()
        .into_iter()
        .fold(options, |options, (name, value)| options.variable(name, value))
}

/// Pushes a notification in the sender's trace, and returns what became of it.
async fn pushed(functions: &Deployment, id: &str) -> Value {
    let event = HttpEvent::post("/webhooks/gmail").header("traceparent", traceparent());
    let event = event.json(&gmail_push(id, "alice@example.com", 1));
    let answer = functions.receive.call(event).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

fn of<'s>(spans: &'s [Span], service: &str, name: &str) -> Option<&'s Span> {
    spans.iter().find(|span| (span.service.as_str(), span.name.as_str()) == (service, name))
}

#[tokio::test]
async fn functions_have_sent_their_spans_when_their_answers_have_ended() {
    let (redis, collector) = (Redis::start().await, Collector::start().await);
    let functions = functions(&redis, &collector).start().await;
    let mut stream = functions.follow(TOPIC, None).await;
    stream.primed().await;
    assert_eq!(pushed(&functions, "7").await["outcome"], "appended");
    // Nothing is waited for: a process that stands still sends nothing.
    let spans = collector.spans();
    let receive = of(&spans, "hookwire-receive", "receive").expect("it was sent before the answer");
    assert_eq!(of(&spans, "hookwire-receive", "append").unwrap().parent, receive.id);
    assert_eq!(receive.trace_id, TRACE);
    let event = stream.event().await;
    assert_eq!(event.data["traceparent"], format!("00-{TRACE}-{}-01", receive.id));
    while stream.next().await.is_some() {}
    let spans = collector.spans();
    let deliver = of(&spans, "hookwire-stream", "deliver").expect("it was sent before the end");
    assert_eq!(deliver.trace_id, TRACE);
    assert!(spans.iter().all(|span| span.trace_id == TRACE), "{spans:#?}");
}

#[tokio::test]
async fn the_drain_goes_on_in_the_trace_of_what_it_brings() {
    let (mut redis, sqs, collector) =
        (Redis::start().await, Sqs::start().await, Collector::start().await);
    let queues = sqs.queue("hookwire", 1_000, Duration::from_secs(1)).await;
    let options = functions(&redis, &collector).set("DURABILITY", "fallback");
    let functions = options.queue(&queues.queue, &queues.queue).start().await;
    redis.kill().await;
    assert_eq!(pushed(&functions, "7").await["outcome"], "queued");
    redis.restart().await;
    let [receive, spill, drain] = collector.trace(["receive", "spill", "drain"]).await;
    assert_eq!((&spill.parent, &drain.parent), (&receive.id, &receive.id));
    let services = [&spill, &drain].map(|span| span.service.as_str());
    assert_eq!(services, ["hookwire-receive", "hookwire-drain"]);
}

#[tokio::test]
async fn a_collector_that_hangs_costs_no_answer() {
    let (redis, collector) = (Redis::start().await, Collector::start().await);
    let functions = functions(&redis, &collector).start().await;
    collector.hang();
    for n in 0..20 {
        assert_eq!(pushed(&functions, &n.to_string()).await["outcome"], "appended");
    }
    assert_eq!(collector.calls(), 1, "after the first it is left alone");
    let told = functions.log().await.matches("spans do not reach the collector").count();
    assert_eq!(told, 1);
    let published = json!({ "outcome": "duplicate", "id": "0" });
    assert_eq!(pushed(&functions, "0").await, published);
}
