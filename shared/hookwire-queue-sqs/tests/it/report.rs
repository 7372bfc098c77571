use std::time::Duration;

use hookwire_queue::Queue;
use serde_json::json;

use crate::{queue, used};

#[tokio::test]
async fn a_report_tells_how_the_queue_stands_and_what_to_change() {
    let (server, queues, used) = queue().await;
    for (body, delay_s) in [("a", 0), ("b", 0), ("c", 60)] {
        used.send(body.into(), Duration::from_secs(delay_s)).await.unwrap();
    }
    let messages = used.receive(Duration::ZERO).await.unwrap();
    used.bury(&messages[0], "no event").await.unwrap();
    used.send("d".into(), Duration::ZERO).await.unwrap();
    let days = |days: u64| json!({ "Attributes": { "MessageRetentionPeriod": (days * 86_400).to_string() } });
    queues.dead_letters.call("SetQueueAttributes", days(14)).await.unwrap();

    let report = used.report().await.unwrap();
    let shown =
        "queue hooks: 1 waiting, 1 in flight, 1 delayed; dead letters: 1 in hooks-dead-letters";
    assert_eq!((report.to_string(), report.warnings), (shown.into(), vec![]));

    let few = server.queue("few", 3, Duration::from_secs(30)).await;
    let warnings = crate::used(&few.queue).report().await.unwrap().warnings;
    assert!(warnings[0].contains("maxReceiveCount is 3"), "{warnings:?}");
    assert!(warnings[1].contains("few-dead-letters drops messages after 96 hours"), "{warnings:?}");
}

#[tokio::test]
async fn a_report_of_a_queue_without_dead_letter_queue_warns() {
    let (_server, queues, _used) = queue().await;
    let report = used(&queues.dead_letters).report().await.unwrap();
    assert_eq!(report.to_string(), "queue hooks-dead-letters: 0 waiting, 0 in flight, 0 delayed");
    assert!(report.warnings[0].contains("no dead-letter queue"), "{:?}", report.warnings);
}
