use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hookwire_queue::{Queue, SendError};
use hookwire_queue_sqs::{SqsConfig, SqsQueue};
use hookwire_sqs_server::{Fault, Faults};
use tokio::time::Instant;

use crate::{SECOND, behind, bodies, queue, unavailable, until};

/// Failures in a row after which no more sends are made.
const FAILURES: usize = 5;
/// What may pass beside the time-outs on a busy machine.
const SLACK: Duration = SECOND;

/// Twice as hasty as by default.
const SEND_WITHIN: Duration = Duration::from_millis(600);

fn hasty(config: SqsConfig) -> SqsConfig {
    SqsConfig {
        send_within: SEND_WITHIN,
        attempt_within: SEND_WITHIN / 2,
        open_for: Duration::from_millis(500),
        ..config
    }
}

async fn send(queue: &SqsQueue, body: &str) -> (Result<(), SendError>, Duration) {
    let start = Instant::now();
    let sent = queue.send(body.into(), Duration::ZERO).await;
    (sent, start.elapsed())
}

#[tokio::test]
async fn a_send_is_answered_in_time_by_default() {
    let (server, queues, _used) = queue().await;
    let used = SqsQueue::new(SqsConfig::new(queues.queue.url().parse().unwrap()));
    server.pause();
    let (sent, took) = send(&used, "body").await;
    assert!(unavailable(sent).contains("no answer in time"));
    assert!(took <= Duration::from_millis(1_200) + SLACK, "{took:?}");
    assert!(took >= Duration::from_millis(1_100), "no second attempt was made: {took:?}");
}

/// Sends until nothing is tried any more, and again when the network is well.
async fn is_left_alone_and_found_again(faults: &Faults, config: SqsConfig, fault: Fault) {
    let used = SqsQueue::new(hasty(config));
    until(async || send(&used, "before").await.0.is_ok()).await;
    faults.set(fault);
    for _ in 0..FAILURES {
        let (sent, took) = send(&used, "lost").await;
        assert!(!unavailable(sent).contains("not asked"));
        assert!(took <= SEND_WITHIN + SLACK, "{fault:?}: {took:?}");
    }
    let calls = faults.calls("SendMessageBatch");
    let (sent, took) = send(&used, "lost").await;
    assert!(unavailable(sent).contains("not asked"), "{fault:?}");
    assert!(took < Duration::from_millis(100), "{fault:?}: {took:?}");
    assert_eq!(faults.calls("SendMessageBatch"), calls);

    // A probe that fails changes nothing.
    until(async || !unavailable(send(&used, "lost").await.0).contains("not asked")).await;
    assert!(unavailable(send(&used, "lost").await.0).contains("not asked"), "{fault:?}");
    faults.set(Fault::None);
    // All of them and not one probe after the other.
    until(async || {
        let sent = join_all([(); 30].map(|()| send(&used, "after"))).await;
        sent.iter().all(|(sent, _)| sent.is_ok())
    })
    .await;
}

#[tokio::test]
async fn an_sqs_that_hangs_is_left_alone_and_found_again() {
    let (_server, queues, faults, config) = behind().await;
    is_left_alone_and_found_again(&faults, config, Fault::Hang).await;
    assert!(!bodies(&queues.queue).await.contains(&"lost".to_owned()));
}

#[tokio::test]
async fn an_sqs_that_fails_is_left_alone_and_found_again() {
    let (_server, queues, faults, config) = behind().await;
    is_left_alone_and_found_again(&faults, config, Fault::Fail).await;
    assert!(!bodies(&queues.queue).await.contains(&"lost".to_owned()));
}

#[tokio::test]
async fn an_sqs_that_cannot_be_reached_is_left_alone_and_found_again() {
    let (_server, _queues, faults, config) = behind().await;
    is_left_alone_and_found_again(&faults, config, Fault::Refuse).await;
}

#[tokio::test]
async fn a_receive_that_is_answered_has_the_next_send_tried() {
    let (_server, _queues, faults, config) = behind().await;
    let used = SqsQueue::new(SqsConfig { open_for: SECOND * 3_600, ..hasty(config) });
    faults.set(Fault::Fail);
    for _ in 0..FAILURES {
        unavailable(send(&used, "lost").await.0);
    }
    faults.set(Fault::None);
    assert!(unavailable(send(&used, "lost").await.0).contains("not asked"));
    used.receive(Duration::ZERO).await.unwrap();
    send(&used, "after").await.0.unwrap();
}

#[tokio::test]
async fn many_senders_are_answered_in_time_while_sqs_hangs() {
    let (_server, _queues, faults, config) = behind().await;
    let used = Arc::new(SqsQueue::new(hasty(config)));
    faults.set(Fault::Hang);
    let sends: Vec<_> = (0..200)
        .map(|_| {
            let used = Arc::clone(&used);
            tokio::spawn(async move { send(&used, "lost").await })
        })
        .collect();
    for send in sends {
        let (sent, took) = send.await.unwrap();
        unavailable(sent);
        assert!(took <= SEND_WITHIN + SLACK, "{took:?}");
    }
}

#[tokio::test]
async fn a_send_waits_for_its_turn_no_longer_than_for_its_answer() {
    let (_server, _queues, faults, config) = behind().await;
    let used = SqsQueue::new(SqsConfig { send_within: SECOND * 2, ..config });
    faults.set(Fault::Slow(SECOND));
    // More than fit into two rounds of calls.
    let sent = join_all([(); 500].map(|()| send(&used, "body"))).await;
    for (sent, took) in &sent {
        assert!(*took <= SECOND * 2 + SLACK, "{took:?}");
        assert!(sent.is_ok() || *took >= SECOND * 2, "{sent:?} after {took:?}");
    }
    assert!(sent.iter().any(|(sent, _)| sent.is_ok()));
    let in_time =
        |sent: Result<(), SendError>| sent.is_ok() || unavailable(sent).contains("in time");
    assert!(sent.into_iter().all(|(sent, _)| in_time(sent)));
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_is_made_again() {
    let (_server, queues, faults, config) = behind().await;
    let used = SqsQueue::new(SqsConfig { attempt_within: SECOND, ..config });
    faults.set(Fault::Slow(SECOND * 3));
    let heal = async {
        until(async || queues.queue.depth().await.visible == 1).await;
        faults.set(Fault::None);
    };
    let ((sent, took), ()) = tokio::join!(send(&used, "body"), heal);
    sent.unwrap();
    assert!(took >= SECOND, "{took:?}");
    assert_eq!(bodies(&queues.queue).await, ["body", "body"]);
}
