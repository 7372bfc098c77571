use hookwire_tests::{Collector, Relay, RelayOptions, pubsub_push};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{TOPIC, push, traceparent};

const SOURCES: &str = "\
    [[sources]]\nname = \"pubsub\"\nkind = \"pubsub\"\ntopic = \"a\"\n\
    [[sources]]\nname = \"events\"\nkind = \"cloudevents\"\nverification = \"none\"\ntopic = \"a\"\n";

/// Every way in which an event can name its trace.
fn ways(relay: &Relay, id: &str, traceparent: &str) -> Vec<(&'static str, RequestBuilder)> {
    let post = |path: &str| relay.post(path);
    let attributes = json!({
        "googclient_traceparent": traceparent, "googclient_tracestate": "vendor=secret",
    });
    let event = |name: &str| {
        json!({
            "specversion": "1.0", "id": format!("{id} {name}"), "source": "/shop", "type": "x",
            "traceparent": traceparent, "tracestate": "vendor=secret",
        })
    };
    let bare = pubsub_push(&format!("{id} header"), b"1", &json!({}));
    let with_attributes = pubsub_push(&format!("{id} attributes"), b"1", &attributes);
    let structured = "application/cloudevents+json";
    vec![
        (
            "header",
            post("/webhooks/pubsub")
                .json(&bare)
                .header("traceparent", traceparent)
                .header("tracestate", "vendor=secret"),
        ),
        ("attribute", post("/webhooks/pubsub").json(&with_attributes)),
        (
            "structured",
            post("/webhooks/events")
                .body(event("structured").to_string())
                .header("content-type", structured),
        ),
        (
            "binary",
            post("/webhooks/events")
                .header("ce-specversion", "1.0")
                .header("ce-id", format!("{id}b"))
                .header("ce-source", "/shop")
                .header("ce-type", "x")
                .header("ce-traceparent", traceparent)
                .header("ce-tracestate", "vendor=secret"),
        ),
        (
            "published",
            post("/topics/a/events")
                .json(&1)
                .header("traceparent", traceparent)
                .header("tracestate", "vendor=secret"),
        ),
        (
            "published event",
            post("/topics/a/events")
                .body(event("published").to_string())
                .header("content-type", structured),
        ),
    ]
}

#[tokio::test]
async fn with_traces_off_the_trace_that_is_named_is_passed_on_and_no_other() {
    let relay = RelayOptions::default().file(SOURCES).start().await;
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    let valid = traceparent();
    let unsampled = valid.replace("-01", "-00");
    let other_version = valid.replace("00-4b", "01-4b");
    for (id, named, passed_on) in [
        ("1", valid.as_str(), Some(valid.as_str())),
        ("2", &unsampled, Some(unsampled.as_str())),
        ("3", &other_version, Some(valid.as_str())),
        ("4", &valid.to_uppercase(), None),
        ("5", &valid.replace("-01", "-0"), None),
        ("6", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", None),
        ("7", "alice@example.com", None),
    ] {
        for (way, request) in ways(&relay, id, named) {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{way}: {:?}", answer.text().await);
            let event = stream.event().await;
            let state = passed_on.map(|_| "vendor=secret");
            assert_eq!(event.data["traceparent"], json!(passed_on), "{named} by {way}");
            assert_eq!(event.data["tracestate"], json!(state), "{named} by {way}");
        }
    }
}

#[tokio::test]
async fn what_is_not_recorded_leaves_no_span_and_no_mark_on_its_event() {
    let collector = Collector::start().await;
    let relay = collector.relay().start().await;
    let mut stream = relay.follow(TOPIC, None).await;
    stream.primed().await;
    let unsampled = traceparent().replace("-01", "-00");
    for (id, named, passed_on) in
        [("1", "", Value::Null), ("2", "none", Value::Null), ("3", &unsampled, json!(unsampled))]
    {
        assert_eq!(push(&relay, id, named).send().await.unwrap().status(), 200);
        assert_eq!(stream.event().await.data["traceparent"], passed_on);
    }
    assert_eq!(push(&relay, "4", &traceparent()).send().await.unwrap().status(), 200);
    collector.trace(["receive", "append", "fan out", "deliver"]).await;
    let ids: Vec<_> = collector
        .spans()
        .iter()
        .filter_map(|span| span.attributes.get("event.id").cloned())
        .collect();
    assert!(ids.iter().all(|id| id == "4"), "{ids:?}");
}

#[tokio::test]
async fn without_a_trace_of_the_sender_the_relay_begins_one() {
    let collector = Collector::start().await;
    let relay = collector.relay().variable("OTEL_TRACES_SAMPLER_ARG", "1").start().await;
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    relay.publish("a", "7", &json!(1)).await;
    let [published, _] = collector.trace(["publish", "deliver"]).await;
    assert_eq!(published.parent, "");
    let event = stream.event().await;
    let own = format!("00-{}-{}-01", published.trace_id, published.id);
    assert_eq!(event.data["traceparent"], own);
    assert_eq!(event.data["tracestate"], Value::Null);
}
