use std::collections::BTreeMap;
use std::time::Duration;

use hookwire_sqs_server::Depth;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{LONG_POLL, SECOND, one_queue, refusal};

/// The most that a message, or a batch of them, may weigh.
const LIMIT_BYTES: usize = 1024 * 1024;

fn entries(bodies: impl IntoIterator<Item = String>) -> Value {
    let entry = |(n, body): (usize, String)| json!({ "Id": n.to_string(), "MessageBody": body });
    json!({ "Entries": bodies.into_iter().enumerate().map(entry).collect::<Vec<_>>() })
}

#[tokio::test]
async fn what_is_sent_is_received_as_it_was_with_its_attributes() {
    let (_server, queue) = one_queue().await;
    let body = "{\"text\":\"žluťoučký 🦀\"}\n\t";
    let attributes = json!({
        "id": { "DataType": "String", "StringValue": "a-1" },
        "attempt": { "DataType": "Number", "StringValue": "7" },
    });
    let message = json!({ "MessageBody": body, "MessageAttributes": attributes });
    queue.call("SendMessage", message).await.unwrap();

    let received = queue.receive(Duration::ZERO).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].body, body);
    let attributes =
        [("attempt", "7"), ("id", "a-1")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(received[0].attributes, BTreeMap::from(attributes));
    assert_eq!(received[0].receive_count, 1);
}

#[tokio::test]
async fn a_delayed_message_waits_until_its_delay_is_over() {
    let (_server, queue) = one_queue().await;
    let sent = Instant::now();
    queue.call("SendMessage", json!({ "MessageBody": "late", "DelaySeconds": 1 })).await.unwrap();
    assert_eq!(queue.depth().await, Depth { delayed: 1, ..Depth::default() });
    assert_eq!(queue.receive(Duration::ZERO).await, []);

    assert_eq!(queue.receive(LONG_POLL).await[0].body, "late");
    assert!(sent.elapsed() >= SECOND, "{:?}", sent.elapsed());
}

#[tokio::test]
async fn a_batch_takes_ten_messages_and_not_eleven() {
    let (_server, queue) = one_queue().await;
    let bodies = |count: usize| (0..count).map(|n| format!("body {n}"));
    let answer = queue.call("SendMessageBatch", entries(bodies(10))).await.unwrap();
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 10);
    assert_eq!(answer["Failed"], json!([]));

    let refusal = refusal(queue.call("SendMessageBatch", entries(bodies(11))).await);
    assert_eq!((refusal.status, &*refusal.code), (400, "TooManyEntriesInBatchRequest"));
    let mut received: Vec<_> = queue.receive(SECOND).await.into_iter().map(|m| m.body).collect();
    received.sort();
    assert_eq!(received, bodies(10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_that_sqs_does_not_take_fails_alone_in_its_batch() {
    let (_server, queue) = one_queue().await;
    let bodies = (0..10).map(|n| if n == 3 { "\u{1}".to_owned() } else { format!("body {n}") });
    let answer = queue.call("SendMessageBatch", entries(bodies)).await.unwrap();
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 9);
    let failed = answer["Failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["Id"], "3");
    assert_eq!(failed[0]["SenderFault"], true);
    assert_eq!(failed[0]["Code"], "InvalidMessageContents");
    assert_eq!(queue.depth().await.visible, 9);
}

#[tokio::test]
async fn a_mebibyte_is_taken_and_one_byte_more_is_not() {
    let (_server, queue) = one_queue().await;
    queue.send(&"x".repeat(LIMIT_BYTES)).await;
    let received = queue.receive(Duration::ZERO).await;
    assert_eq!(received[0].body.len(), LIMIT_BYTES);

    let more = json!({ "MessageBody": "x".repeat(LIMIT_BYTES + 1) });
    let refusal = refusal(queue.call("SendMessage", more).await);
    assert_eq!((refusal.status, &*refusal.code), (400, "InvalidParameterValue"));
}

#[tokio::test]
async fn the_attributes_of_a_message_count_as_its_size() {
    let (_server, queue) = one_queue().await;
    let message = |body_bytes| {
        let attribute = json!({ "DataType": "String", "StringValue": "value" });
        json!({ "MessageBody": "x".repeat(body_bytes), "MessageAttributes": { "name": attribute } })
    };
    let attribute_bytes = "name".len() + "String".len() + "value".len();
    queue.call("SendMessage", message(LIMIT_BYTES - attribute_bytes)).await.unwrap();
    let more = message(LIMIT_BYTES - attribute_bytes + 1);
    refusal(queue.call("SendMessage", more).await);
}

#[tokio::test]
async fn a_batch_weighs_a_mebibyte_at_most() {
    let (_server, queue) = one_queue().await;
    let bodies = |last| ["x".repeat(LIMIT_BYTES / 2), "x".repeat(last)];
    queue.call("SendMessageBatch", entries(bodies(LIMIT_BYTES / 2))).await.unwrap();
    let more = entries(bodies(LIMIT_BYTES / 2 + 1));
    let refusal = refusal(queue.call("SendMessageBatch", more).await);
    assert_eq!((refusal.status, &*refusal.code), (400, "BatchRequestTooLong"));
    assert_eq!(queue.depth().await.visible, 2);
}

#[tokio::test]
async fn a_purged_queue_is_empty() {
    let (_server, queue) = one_queue().await;
    for _ in 0..3 {
        queue.send("body").await;
    }
    queue.purge().await;
    assert_eq!(queue.depth().await, Depth::default());
    assert_eq!(queue.peek().await, []);
}
