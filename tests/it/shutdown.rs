//! A stop loses nothing and is told.

use std::time::{Duration, Instant};

use hookwire_tests::RelayOptions;
use rustix::process::Signal;
use serde_json::json;

#[tokio::test]
async fn sigterm_ends_streams_with_a_reason_and_the_process_in_time() {
    let mut relay = RelayOptions::default().on_disk().start().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = relay.follow("topic=a", None).await;
        stream.primed().await;
        streams.push(stream);
    }
    relay.publish("a", "1", &json!(1)).await;
    let stopped_at = Instant::now();
    relay.signal(Signal::TERM);
    let mut retries = Vec::new();
    let mut cursor = String::new();
    for stream in &mut streams {
        assert_eq!(*stream.event().await.payload(), 1);
        let closing = stream.event().await;
        assert_eq!(
            (closing.name.as_str(), &closing.data["reason"]),
            ("hookwire.closing", &json!("shutdown"))
        );
        assert_eq!(stream.next().await, None);
        retries.push(stream.retry().unwrap());
        cursor = closing.id;
    }
    assert_eq!(relay.wait().await, Some(0));
    assert!(stopped_at.elapsed() < Duration::from_secs(10), "{:?}", stopped_at.elapsed());
    retries.sort_unstable();
    assert!(
        retries[19] - retries[0] > Duration::from_secs(1),
        "reconnects are spread: {retries:?}"
    );

    relay.restart().await;
    relay.publish("a", "2", &json!(2)).await;
    let mut stream = relay.follow("topic=a", Some(&cursor)).await;
    assert_eq!(*stream.event().await.payload(), 2);
}
