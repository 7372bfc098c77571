use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hookwire_queue::{Queue, SendError};
use hookwire_queue_sqs::SqsQueue;
use hookwire_sqs_server::Fault;
use tokio::time::Instant;

use crate::{SECOND, behind, bodies, queue, until};

const MEBIBYTE: usize = 1024 * 1024;

#[tokio::test]
async fn a_thousand_sends_at_the_same_time_arrive_once_each_in_few_calls() {
    let (_server, queues, faults, config) = behind().await;
    let used = Arc::new(SqsQueue::new(config));
    let body = |number| format!("{number:04}");
    let sends = (0..1_000).map(|number| {
        let used = Arc::clone(&used);
        tokio::spawn(async move { used.send(body(number), Duration::ZERO).await })
    });
    for sent in join_all(sends).await {
        sent.unwrap().unwrap();
    }
    assert_eq!(bodies(&queues.queue).await, (0..1_000).map(body).collect::<Vec<_>>());
    let calls = faults.calls("SendMessageBatch");
    assert!((100..=120).contains(&calls), "{calls} calls");
}

#[tokio::test]
async fn a_send_that_comes_alone_goes_at_once() {
    let (_server, queues, faults, config) = behind().await;
    let used = Arc::new(SqsQueue::new(config));
    faults.set(Fault::Hang);
    let send = |body: &'static str| {
        let used = Arc::clone(&used);
        tokio::spawn(async move { used.send(body.into(), Duration::ZERO).await })
    };
    let first = send("first");
    until(async || faults.calls("SendMessageBatch") == 1).await;
    let second = send("second");
    until(async || faults.calls("SendMessageBatch") == 2).await;
    assert!(!first.is_finished(), "the second has waited for it");
    faults.set(Fault::None);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(bodies(&queues.queue).await, ["first", "second"]);
}

#[tokio::test]
async fn a_delayed_message_is_not_received_before() {
    let (_server, queues, used) = queue().await;
    let (sent, delay) = (Instant::now(), Duration::from_millis(1_100));
    used.send("late".into(), delay).await.unwrap();
    assert_eq!(queues.queue.depth().await.delayed, 1);
    used.send("now".into(), Duration::ZERO).await.unwrap();
    let mut received = Vec::new();
    while received.len() < 2 {
        let messages = used.receive(SECOND * 5).await.unwrap();
        received.extend(messages.into_iter().map(|message| (message.body, sent.elapsed())));
    }
    assert_eq!([&*received[0].0, &*received[1].0], ["now", "late"]);
    assert!(received[0].1 < SECOND && received[1].1 >= delay, "{received:?}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_others_go() {
    let (_server, queues, faults, config) = behind().await;
    let used = SqsQueue::new(config);
    let sizes = [1, MEBIBYTE + 1, 2, MEBIBYTE, MEBIBYTE / 2, MEBIBYTE / 2 + 1];
    let sends = sizes.map(|size_bytes| used.send("x".repeat(size_bytes), Duration::ZERO));
    let mut sent = join_all(sends).await;
    let refused = sent.remove(1).unwrap_err();
    assert!(
        matches!(refused, SendError::TooLarge { size_bytes, limit_bytes } if (size_bytes, limit_bytes) == (MEBIBYTE + 1, MEBIBYTE))
    );
    sent.into_iter().for_each(Result::unwrap);
    let mut arrived = bodies(&queues.queue).await.iter().map(String::len).collect::<Vec<_>>();
    arrived.sort_unstable();
    assert_eq!(arrived, [1, 2, MEBIBYTE / 2, MEBIBYTE / 2 + 1, MEBIBYTE]);
    assert_eq!(faults.calls("SendMessageBatch"), 4);
}

#[tokio::test]
async fn a_message_that_sqs_refuses_does_not_keep_the_others_of_its_call_from_it() {
    let (_server, queues, faults, config) = behind().await;
    let used = SqsQueue::new(config);
    let texts = ["a", "b\u{1}", "c"];
    let sent = join_all(texts.map(|text| used.send(text.into(), Duration::ZERO))).await;
    assert_eq!(sent.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(bodies(&queues.queue).await, ["a", "c"]);
    assert_eq!(faults.calls("SendMessageBatch"), 1);
}

#[tokio::test]
async fn a_sender_that_goes_away_takes_nobody_with_it() {
    let (_server, queues, faults, config) = behind().await;
    let used = Arc::new(SqsQueue::new(config));
    faults.set(Fault::Hang);
    // The first makes the calls start, and the last ones wait for a call of their own.
    let sends: Vec<_> = (0..100)
        .map(|number| {
            let used = Arc::clone(&used);
            tokio::spawn(async move { used.send(format!("{number:02}"), Duration::ZERO).await })
        })
        .collect();
    until(async || faults.calls("SendMessageBatch") >= 8).await;
    let gone = |number: usize| number.is_multiple_of(3);
    sends.iter().enumerate().filter(|(number, _)| gone(*number)).for_each(|(_, send)| send.abort());
    faults.set(Fault::None);
    for (number, send) in sends.into_iter().enumerate() {
        if !gone(number) {
            send.await.unwrap().unwrap();
        }
    }
    let arrived = bodies(&queues.queue).await;
    for number in (0..100).filter(|number| !gone(*number)) {
        assert!(arrived.contains(&format!("{number:02}")), "{number} is missing");
    }
    assert!(!arrived.contains(&"99".to_owned()), "it was not sent before its sender went");
}
