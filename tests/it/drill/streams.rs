use hookwire_tests::{RelayOptions, Sentry};
use serde_json::json;

use super::{Drill, Rules};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_trouble_of_streams_fires_its_alert_and_no_other_one() {
    let sentry = Sentry::start().await;
    let options = RelayOptions::default()
        .set("MAX_CONNECTIONS", 50)
        .set("MAX_CONNECTIONS_PER_CLIENT", 50)
        .set("RETENTION_EVENTS", 10);
    let options = options.variable("SENTRY_DSN", sentry.dsn());
    let relay = options.start().await;
    let first = relay.publish("topic", "first", &json!(0)).await;
    let cursor = first["cursor"].as_str().unwrap();
    for n in 1..=30 {
        relay.publish("topic", &format!("event-{n}"), &json!(n)).await;
    }
    let mut drill = Drill::start(&[&relay], Rules::shipped(), sentry).await;

    let mut streams = Vec::new();
    for _ in 0..45 {
        streams.push(relay.follow("topic=quiet", None).await);
    }
    drill.fires(&["HookwireStreamsNearCap"]).await;
    drop(streams);
    drill.is_over(&[]).await;

    while drill.prometheus.firing().await.is_empty() {
        let mut stream = relay.follow("topic=topic", Some(cursor)).await;
        stream.primed().await;
        assert_eq!(stream.event().await.name, "hookwire.gap");
    }
    drill.fires(&["HookwireGaps"]).await;
    drill.is_over(&[]).await;
}
