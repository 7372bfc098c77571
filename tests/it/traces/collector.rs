use hookwire_tests::{Collector, Relay};
use rustix::process::Signal;

use super::{TOPIC, push, traceparent};
use crate::queue::until;

/// How often the relay has said that spans get lost.
fn told(relay: &Relay) -> usize {
    relay.log().matches("spans do not reach the collector").count()
}

#[tokio::test]
async fn where_traces_are_turned_off_nobody_is_called_and_nothing_is_marked() {
    let collector = Collector::start().await;
    for (name, value) in [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_SDK_DISABLED", "true")] {
        let mut relay = collector.relay().variable(name, value).start().await;
        let mut stream = relay.follow(TOPIC, None).await;
        stream.primed().await;
        assert_eq!(push(&relay, "1", &traceparent()).send().await.unwrap().status(), 200);
        assert_eq!(stream.event().await.data["traceparent"], traceparent());
        drop(stream);
        // What is left to send is sent before the end.
        relay.signal(Signal::TERM);
        assert_eq!(relay.wait().await, Some(0));
        assert_eq!(collector.calls(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_collector_that_hangs_keeps_nobody_waiting_and_is_told_of_once() {
    let collector = Collector::start().await;
    collector.hang();
    let mut relay = collector.relay().variable("OTEL_EXPORTER_OTLP_TIMEOUT", 60_000).start().await;
    let mut stream = relay.follow(TOPIC, None).await;
    stream.primed().await;
    for n in 0..50 {
        let push = push(&relay, &n.to_string(), &traceparent());
        assert_eq!(push.send().await.unwrap().status(), 200);
        assert_eq!(stream.event().await.data["id"], n.to_string());
        if n == 0 {
            collector.called(1).await;
        }
    }
    assert_eq!((collector.calls(), told(&relay)), (1, 0), "it is waited for, by nobody else");
    drop(stream);
    relay.signal(Signal::TERM);
    assert_eq!(relay.wait().await, Some(0), "and not for a minute");
}

#[tokio::test]
async fn a_collector_that_fails_is_told_of_once_and_then_left_alone() {
    let collector = Collector::start().await;
    collector.fail();
    let mut relay = collector.relay().start().await;
    for round in 0..3 {
        for n in 0..20 {
            let push = push(&relay, &format!("{round} {n}"), &traceparent());
            assert_eq!(push.send().await.unwrap().status(), 200);
        }
        until("it is told", async || told(&relay) > 0).await;
    }
    // What is left would be sent now, if it were not left alone.
    relay.signal(Signal::TERM);
    assert_eq!(relay.wait().await, Some(0));
    assert_eq!((collector.calls(), told(&relay)), (1, 1));
}

#[tokio::test]
async fn what_is_left_is_sent_before_the_process_ends() {
    let collector = Collector::start().await;
    let mut relay = collector.relay().start().await;
    assert_eq!(push(&relay, "1", &traceparent()).send().await.unwrap().status(), 200);
    relay.signal(Signal::TERM);
    assert_eq!(relay.wait().await, Some(0));
    let names: Vec<_> = collector.spans().into_iter().map(|span| span.name).collect();
    assert!(names.iter().any(|name| name == "receive"), "{names:?}");
}
