use std::time::Duration;

use futures_util::future::join_all;
use hookwire_queue::{Depth, Message, Queue};
use hookwire_queue_sqs::SqsQueue;
use hookwire_sqs_server::Fault;
use tokio::time::Instant;

use crate::{SECOND, behind, queue, told, until};

#[tokio::test]
async fn a_receive_waits_and_wakes() {
    let (_server, queues, used) = queue().await;
    let start = Instant::now();
    let send = async {
        until(async || queues.queue.polls().await == 1).await;
        tokio::time::sleep(SECOND * 2).await;
        used.send("body".into(), Duration::ZERO).await.unwrap();
    };
    let (received, ()) = tokio::join!(used.receive(SECOND * 20), send);
    let [message] = &received.unwrap()[..] else { panic!("one was sent") };
    assert_eq!((&*message.body, message.receives, &message.reason), ("body", 1, &None));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let age_ms = now.as_millis().abs_diff(u128::from(message.sent_at_ms));
    assert!(age_ms < 10_000, "sent {age_ms} ms ago");
    assert!((SECOND * 2..SECOND * 10).contains(&start.elapsed()));
}

#[tokio::test]
async fn a_receive_that_waits_in_vain_is_no_error() {
    let (_server, _queues, used) = queue().await;
    let start = Instant::now();
    assert!(used.receive(Duration::ZERO).await.unwrap().is_empty());
    assert!(start.elapsed() < SECOND);
    // Longer than a call may take that does not wait.
    assert!(used.receive(SECOND * 6).await.unwrap().is_empty());
    assert!(start.elapsed() >= SECOND * 6);
}

/// Sends so many and receives all of them.
async fn received(used: &SqsQueue, messages: usize) -> Vec<Message> {
    let sends = (0..messages).map(|number| used.send(number.to_string(), Duration::ZERO));
    join_all(sends).await.into_iter().for_each(Result::unwrap);
    let mut received = Vec::new();
    while received.len() < messages {
        received.extend(used.receive(SECOND).await.unwrap());
    }
    received
}

#[tokio::test]
async fn what_was_received_is_kept_from_others_and_deleted_in_few_calls() {
    let (_server, _queues, faults, config) = behind().await;
    let used = SqsQueue::new(config);
    let messages = received(&used, 25).await;
    assert!(used.receive(Duration::ZERO).await.unwrap().is_empty());
    let depth = Depth { waiting: 0, in_flight: 25, delayed: 0 };
    assert_eq!(used.depth().await.unwrap(), depth);
    used.delete(&messages).await.unwrap();
    assert_eq!(used.depth().await.unwrap(), Depth::default());
    assert_eq!(faults.calls("DeleteMessageBatch"), 3);
    used.delete(&[]).await.unwrap();
    assert_eq!(faults.calls("DeleteMessageBatch"), 3);
}

#[tokio::test]
async fn what_is_postponed_comes_back_after_its_delay_and_counts() {
    let (_server, _queues, faults, config) = behind().await;
    let used = SqsQueue::new(config);
    let messages = received(&used, 12).await;
    let (start, delay) = (Instant::now(), Duration::from_millis(1_100));
    let postponed: Vec<_> = messages.into_iter().map(|message| (message, delay)).collect();
    used.postpone(&postponed).await.unwrap();
    assert_eq!(faults.calls("ChangeMessageVisibilityBatch"), 2);
    let mut again = 0;
    while again < 12 {
        for message in used.receive(SECOND * 5).await.unwrap() {
            assert!(start.elapsed() >= delay, "{:?}", start.elapsed());
            assert_eq!(message.receives, 2);
            again += 1;
        }
    }
}

#[tokio::test]
async fn what_was_not_done_is_counted() {
    let (_server, _queues, faults, config) = behind().await;
    let used = SqsQueue::new(config);
    let messages = received(&used, 12).await;
    faults.set_for("DeleteMessageBatch", Fault::Fail);
    let error = used.delete(&messages).await.unwrap_err();
    assert!(
        told(&*error).starts_with("12 of 12 messages were not deleted: SQS failed"),
        "{error:?}"
    );
    faults.set(Fault::None);
    used.delete(&messages[..11]).await.unwrap();

    let of_nothing = Message { receipt: "of nothing".into(), ..messages[11].clone() };
    let postponed = [(messages[11].clone(), SECOND), (of_nothing, SECOND)];
    let error = used.postpone(&postponed).await.unwrap_err();
    assert!(told(&*error).starts_with("1 of 2 messages were not postponed: "), "{error:?}");
}
