use std::time::Duration;

use futures_util::future::join_all;
use hookwire_sqs_server::{Fault, Faults};
use serde_json::json;
use tokio::time::Instant;

use crate::{LONG_POLL, SECOND, is_lost, one_queue, until};

#[tokio::test]
async fn a_long_poll_ends_when_a_message_comes() {
    let (_server, queue) = one_queue().await;
    let start = Instant::now();
    let send = async {
        until(async || queue.polls().await == 1).await;
        queue.send("body").await
    };
    let (received, id) = tokio::join!(queue.receive(LONG_POLL), send);
    assert_eq!(received[0].id, id);
    assert!(start.elapsed() < LONG_POLL);
}

#[tokio::test]
async fn a_long_poll_without_a_message_ends_when_its_time_is_over() {
    let (_server, queue) = one_queue().await;
    let start = Instant::now();
    assert_eq!(queue.receive(SECOND).await, []);
    assert!(start.elapsed() >= SECOND, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_message_ends_one_long_poll_and_the_others_go_on() {
    let (_server, queue) = one_queue().await;
    let polls = join_all((0..3).map(async |_| {
        let start = Instant::now();
        (queue.receive(2 * SECOND).await.len(), start.elapsed())
    }));
    let send = async {
        until(async || queue.polls().await == 3).await;
        // So that nobody is given it again.
        queue
            .call("SetQueueAttributes", json!({ "Attributes": { "VisibilityTimeout": "600" } }))
            .await
            .unwrap();
        queue.send("body").await
    };
    let (polls, _) = tokio::join!(polls, send);
    let received: usize = polls.iter().map(|(messages, _)| messages).sum();
    assert_eq!(received, 1);
    for (messages, took) in polls {
        assert!(messages == 1 || took >= 2 * SECOND, "nothing after {took:?}");
    }
}

#[tokio::test]
async fn many_messages_end_as_many_long_polls_as_they_need() {
    let (_server, queue) = one_queue().await;
    let polls = join_all((0..2).map(|_| queue.receive(LONG_POLL)));
    let send = async {
        until(async || queue.polls().await == 2).await;
        let entry = |n: usize| json!({ "Id": n.to_string(), "MessageBody": "body" });
        let entries: Vec<_> = (0..10).map(entry).collect();
        for _ in 0..2 {
            queue.call("SendMessageBatch", json!({ "Entries": entries })).await.unwrap();
        }
    };
    let start = Instant::now();
    let (polls, ()) = tokio::join!(polls, send);
    assert_eq!(polls.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10]);
    assert!(start.elapsed() < LONG_POLL);
}

#[tokio::test]
async fn a_long_poll_that_was_cut_receives_nothing() {
    let (server, queue) = one_queue().await;
    let faults = Faults::before(&server).await;
    let through = queue.through(&faults);
    let start = Instant::now();
    let poll = through.call("ReceiveMessage", json!({ "WaitTimeSeconds": 20 }));
    let cut = async {
        until(async || queue.polls().await == 1).await;
        faults.set(Fault::Refuse);
    };
    let (poll, ()) = tokio::join!(poll, cut);
    is_lost(poll);

    until(async || queue.polls().await == 0).await;
    assert!(start.elapsed() < LONG_POLL);
    queue.send("body").await;
    assert_eq!(queue.receive(Duration::ZERO).await[0].receive_count, 1);
}
