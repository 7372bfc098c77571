use std::sync::Arc;
use std::time::Duration;

use hookwire_redis_server::{Server as Redis, ServerOptions};
use hookwire_sqs_server::Server as Sqs;
use hookwire_tests::{Collector, Span, Stream};
use serde_json::Value;

use super::{SENDER, TOPIC, TRACE, push, traceparent};

/// The trace that the next event names: it is this span's.
async fn delivered_under(stream: &mut Stream, receive: &Span) {
    let event = loop {
        let event = stream.event().await;
        if !event.name.starts_with("hookwire.") {
            break event;
        }
    };
    assert_eq!(event.data["traceparent"], format!("00-{TRACE}-{}-01", receive.id));
    assert_eq!(event.data["tracestate"], "vendor=secret");
}

fn about<'s>(span: &'s Span, name: &str) -> &'s str {
    span.attributes.get(name).map(String::as_str).unwrap_or_default()
}

#[tokio::test]
async fn a_push_and_its_delivery_are_one_trace() {
    let collector = Collector::start().await;
    let relay = collector.relay().start().await;
    let mut stream = relay.follow(TOPIC, None).await;
    stream.primed().await;
    assert_eq!(push(&relay, "7", &traceparent()).send().await.unwrap().status(), 200);
    let names = ["receive", "append", "fan out", "deliver"];
    let [receive, append, fan_out, deliver] = collector.trace(names).await;
    assert_eq!((receive.trace_id.as_str(), receive.parent.as_str()), (TRACE, SENDER));
    for (part, whole) in [(&append, &receive), (&fan_out, &receive), (&deliver, &fan_out)] {
        assert_eq!(part.parent, whole.id, "{part:?}");
    }
    delivered_under(&mut stream, &receive).await;
    for span in [&receive, &append, &fan_out, &deliver] {
        assert!(span.service == "hookwire" && !span.failed, "{span:?}");
    }
    assert!(receive.took_ns >= append.took_ns, "the one holds the other");
    for span in [&receive, &append, &fan_out] {
        assert_eq!(
            (about(span, "event.id"), about(span, "topic.hash").len()),
            ("7", 8),
            "{span:?}"
        );
    }
    let said = ["source", "outcome", "http.route", "http.response.status_code"];
    let said = said.map(|name| about(&receive, name));
    assert_eq!(said, ["gmail", "appended", "/webhooks/gmail", "200"]);
    assert_eq!(["hookwire.log", "outcome"].map(|name| about(&append, name)), ["memory", "new"]);
    let from = ["hookwire.from", "hookwire.streams"].map(|name| about(&deliver, name));
    assert_eq!(from, ["ring", "1"]);
}

#[tokio::test]
async fn a_publish_by_api_is_a_trace_too_and_one_that_is_refused_is_none_of_the_senders() {
    let collector = Collector::start().await;
    let relay = collector.relay().start().await;
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    let publish = |media_type: &str| {
        let publish = relay.post("/topics/a/events").header("traceparent", traceparent());
        publish.header("tracestate", "vendor=secret").header("content-type", media_type).body("1")
    };
    let refused = publish("image/png").send().await.unwrap();
    assert_eq!(refused.status(), 415);
    let taken = publish("application/json").send().await.unwrap();
    assert_eq!(taken.status(), 200);
    let [published, append, _] = collector.trace(["publish", "append", "deliver"]).await;
    assert_eq!((published.parent.as_str(), &append.parent), (SENDER, &published.id));
    assert_eq!(about(&published, "http.route"), "/topics/{topic}/events");
    delivered_under(&mut stream, &published).await;
    let published = collector.spans().into_iter().filter(|span| span.name == "publish");
    assert_eq!(published.count(), 1, "the refused one is not recorded because somebody says so");
}

#[tokio::test]
async fn what_one_relay_takes_and_another_delivers_is_one_trace() {
    let redis = Redis::start().await;
    let collector = Collector::start().await;
    let named = |name: &str| collector.relay().log(redis.url()).variable("OTEL_SERVICE_NAME", name);
    let [one, other] = [named("one").start().await, named("other").start().await];
    let mut stream = other.follow(TOPIC, None).await;
    stream.primed().await;
    assert_eq!(push(&one, "7", &traceparent()).send().await.unwrap().status(), 200);
    let names = ["receive", "append", "deliver"];
    let [receive, append, deliver] = collector.trace(names).await;
    let services = [&receive, &append, &deliver].map(|span| span.service.as_str());
    assert_eq!(services, ["one", "one", "other"]);
    assert_eq!(about(&append, "hookwire.log"), "redis");
    let above = collector.spans().into_iter().find(|span| span.id == deliver.parent);
    let above = above.map_or(deliver.parent, |fan_out| fan_out.parent);
    assert_eq!(above, receive.id);
    delivered_under(&mut stream, &receive).await;
}

#[tokio::test]
async fn what_goes_through_the_queue_while_redis_is_away_stays_in_its_trace() {
    let mut redis = ServerOptions::default().set("appendonly", "yes").start().await;
    let sqs = Sqs::start().await;
    let queues = sqs.queue("hookwire", 1_000, Duration::from_secs(30)).await;
    let collector = Collector::start().await;
    let relay = collector.relay().log(redis.url()).queue(&queues.queue.url());
    let relay = Arc::new(relay.set("DURABILITY", "fallback").start().await);
    let mut stream = relay.follow(TOPIC, None).await;
    stream.primed().await;
    redis.kill().await;
    let answer = push(&relay, "7", &traceparent()).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["outcome"], "queued");
    let [receive, append, spill] = collector.trace(["receive", "append", "spill"]).await;
    assert!(append.failed && !spill.failed && !receive.failed, "{append:?} {spill:?} {receive:?}");
    redis.restart().await;
    let [drain, deliver] = collector.trace(["drain", "deliver"]).await;
    for part in [&append, &spill, &drain] {
        assert_eq!(part.parent, receive.id, "{part:?}");
    }
    assert_eq!(deliver.trace_id, TRACE);
    assert_eq!(about(&receive, "outcome"), "queued");
    delivered_under(&mut stream, &receive).await;
}
