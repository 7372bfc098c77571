use std::time::Duration;

use futures_util::future::join_all;
use hookwire_queue::{Queue, SendError};
use hookwire_queue_sqs::SqsQueue;

use crate::scripted::{Scripted, error, result};
use crate::{queue, told, unavailable, used};

async fn send_all(queue: &SqsQueue, bodies: &[&str]) -> Vec<Result<(), SendError>> {
    join_all(bodies.iter().map(|body| queue.send((*body).into(), Duration::ZERO))).await
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_told_every_time() {
    let (server, _queues, _used) = queue().await;
    let nowhere = used(&server.existing_queue("nowhere"));
    for _ in 0..7 {
        let told = unavailable(nowhere.send("body".into(), Duration::ZERO).await);
        assert!(told.contains("the queue does not exist"), "{told}");
    }
    let error = nowhere.receive(Duration::ZERO).await.unwrap_err();
    assert!(told(&*error).contains("the queue does not exist"), "{error}");
    assert!(nowhere.report().await.unwrap_err().to_string().contains("the queue does not exist"));
}

#[tokio::test]
async fn a_role_without_the_right_is_told_what_to_do() {
    let scripted = Scripted::start(|_| error(403, "AccessDenied", "not authorized")).await;
    let told = unavailable(scripted.queue.send("body".into(), Duration::ZERO).await);
    assert!(told.contains("AccessDenied: not authorized; allow the role"), "{told}");
    assert_eq!(scripted.calls(), 1, "it would be denied again");
}

/// The cause of a refusal that will not change.
fn refused(sent: Result<(), SendError>) -> String {
    match sent {
        Err(SendError::Refused(cause)) => cause.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_sqs_that_throttles_is_asked_twice_and_is_not_down() {
    let scripted = Scripted::start(|_| error(400, "RequestThrottled", "slow down")).await;
    for _ in 0..7 {
        let told = unavailable(scripted.queue.send("body".into(), Duration::ZERO).await);
        assert!(told.contains("throttled: RequestThrottled"), "{told}");
    }
    assert_eq!(scripted.calls(), 14);
}

#[tokio::test]
async fn each_sender_gets_its_own_answer() {
    let scripted = Scripted::start(|entries| {
        result(entries, |body| (body == "bad").then_some(("InvalidMessageContents", true)))
    })
    .await;
    let mut sent = send_all(&scripted.queue, &["a", "bad", "c"]).await;
    assert!(refused(sent.remove(1)).contains("InvalidMessageContents"));
    sent.into_iter().for_each(Result::unwrap);
    assert_eq!(scripted.calls(), 1);
}

#[tokio::test]
async fn a_message_that_sqs_fails_at_is_sent_once_more() {
    let mut calls = 0;
    let scripted = Scripted::start(move |entries| {
        calls += 1;
        result(entries, |body| {
            let fails = body == "always" || (body == "once" && calls == 1);
            fails.then_some(("InternalError", false))
        })
    })
    .await;
    let mut sent = send_all(&scripted.queue, &["a", "always", "once"]).await;
    assert!(unavailable(sent.remove(1)).contains("SQS failed: InternalError"));
    sent.into_iter().for_each(Result::unwrap);
    assert_eq!(scripted.calls(), 2);
}

#[tokio::test]
async fn a_call_that_is_refused_for_one_message_is_made_for_each() {
    let scripted = Scripted::start(|entries| {
        match entries.iter().any(|entry| entry["MessageBody"] == "bad") {
            true => error(400, "MissingParameter", "The request must contain the parameter"),
            false => result(entries, |_| None),
        }
    })
    .await;
    let mut sent = send_all(&scripted.queue, &["a", "bad", "c"]).await;
    assert!(refused(sent.remove(1)).contains("MissingParameter"));
    sent.into_iter().for_each(Result::unwrap);
    assert_eq!(scripted.calls(), 4);
}

#[tokio::test]
async fn a_message_that_the_answer_does_not_name_counts_as_not_sent() {
    let scripted = Scripted::start(|_| result(&[], |_| None)).await;
    unavailable(scripted.queue.send("a".into(), Duration::ZERO).await);
    assert_eq!(scripted.calls(), 2);
}
