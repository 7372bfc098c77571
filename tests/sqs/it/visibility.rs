use std::time::Duration;

use hookwire_sqs_server::Depth;
use serde_json::json;
use tokio::time::Instant;

use crate::{LONG_POLL, SECOND, one_queue, until};

const VISIBLE: Depth = Depth { visible: 1, in_flight: 0, delayed: 0 };
const IN_FLIGHT: Depth = Depth { visible: 0, in_flight: 1, delayed: 0 };

#[tokio::test]
async fn what_was_received_and_not_deleted_comes_back_after_its_visibility_timeout() {
    let (_server, queue) = one_queue().await;
    let id = queue.send("body").await;
    let received = Instant::now();
    assert_eq!(queue.receive(Duration::ZERO).await.len(), 1);
    assert_eq!(queue.receive(Duration::ZERO).await, []);

    let again = queue.receive(LONG_POLL).await;
    assert!(received.elapsed() >= SECOND, "{:?}", received.elapsed());
    assert_eq!(again.len(), 1);
    assert_eq!((&again[0].id, again[0].receive_count), (&id, 2));
}

#[tokio::test]
async fn every_message_is_counted_once_and_where_it_is() {
    let (_server, queue) = one_queue().await;
    queue.send("body").await;
    assert_eq!(queue.depth().await, VISIBLE);
    queue.receive(Duration::ZERO).await;
    assert_eq!(queue.depth().await, IN_FLIGHT);
    until(async || queue.depth().await == VISIBLE).await;

    let received = queue.receive(Duration::ZERO).await;
    queue.delete(&received[0]).await;
    assert_eq!(queue.depth().await, Depth::default());
}

#[tokio::test]
async fn a_visibility_timeout_of_zero_gives_a_message_back_at_once() {
    let (_server, queue) = one_queue().await;
    queue.send("body").await;
    let received = queue.receive(Duration::ZERO).await;
    let visibility = json!({ "ReceiptHandle": received[0].receipt_handle, "VisibilityTimeout": 0 });
    queue.call("ChangeMessageVisibility", visibility).await.unwrap();
    assert_eq!(queue.depth().await, VISIBLE);
    assert_eq!(queue.receive(Duration::ZERO).await[0].receive_count, 2);
}

#[tokio::test]
async fn a_visibility_timeout_can_be_extended() {
    let (_server, queue) = one_queue().await;
    queue.send("body").await;
    let received = queue.receive(Duration::ZERO).await;
    let visibility =
        json!({ "ReceiptHandle": received[0].receipt_handle, "VisibilityTimeout": 60 });
    queue.call("ChangeMessageVisibility", visibility).await.unwrap();
    // Without that it would be back after one second.
    assert_eq!(queue.receive(2 * SECOND).await, []);
    assert_eq!(queue.depth().await, IN_FLIGHT);
}

#[tokio::test]
async fn only_the_newest_receipt_deletes() {
    let (_server, queue) = one_queue().await;
    queue.send("body").await;
    let first = queue.receive(Duration::ZERO).await;
    let second = queue.receive(LONG_POLL).await;
    queue.delete(&first[0]).await;
    assert_eq!(queue.depth().await, IN_FLIGHT);
    queue.delete(&second[0]).await;
    queue.delete(&second[0]).await;
    assert_eq!(queue.depth().await, Depth::default());
}

#[tokio::test]
async fn a_batch_deletes_what_was_received() {
    let (_server, queue) = one_queue().await;
    for _ in 0..10 {
        queue.send("body").await;
    }
    let received = queue.receive(Duration::ZERO).await;
    let entry = |message: &hookwire_sqs_server::Message| json!({ "Id": message.id, "ReceiptHandle": message.receipt_handle });
    let entries: Vec<_> = received.iter().map(entry).collect();
    let answer = queue.call("DeleteMessageBatch", json!({ "Entries": entries })).await.unwrap();
    assert_eq!(answer["Successful"].as_array().unwrap().len(), 10);
    assert_eq!(queue.depth().await, Depth::default());
}

#[tokio::test]
async fn looking_at_a_queue_changes_nothing() {
    let (_server, queue) = one_queue().await;
    let ids = [queue.send("ready").await, queue.send("ready too").await];
    let delayed = json!({ "MessageBody": "delayed", "DelaySeconds": 60 });
    queue.call("SendMessage", delayed).await.unwrap();
    let one = json!({ "MaxNumberOfMessages": 1, "VisibilityTimeout": 60 });
    queue.call("ReceiveMessage", one).await.unwrap();
    let depth = queue.depth().await;
    assert_eq!(depth, Depth { visible: 1, in_flight: 1, delayed: 1 });

    let mut seen = queue.peek().await;
    seen.sort_by_key(|message| ids.iter().position(|id| *id == message.id).unwrap_or(2));
    let seen = seen.iter().map(|message| (&*message.body, message.receive_count));
    assert_eq!(seen.collect::<Vec<_>>(), [("ready", 1), ("ready too", 0), ("delayed", 0)]);
    assert_eq!(queue.depth().await, depth);
}
