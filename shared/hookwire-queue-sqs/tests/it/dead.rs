use std::time::Duration;

use hookwire_queue::{Depth, Queue};

use crate::{bodies, queue, used};

#[tokio::test]
async fn what_is_buried_is_in_the_dead_letter_queue_with_its_reason_and_can_be_sent_again() {
    let (_server, queues, used) = queue().await;
    used.send("bad".into(), Duration::ZERO).await.unwrap();
    let messages = used.receive(Duration::ZERO).await.unwrap();
    used.bury(&messages[0], "no event: é\n").await.unwrap();
    assert_eq!(used.depth().await.unwrap(), Depth::default());
    assert_eq!(bodies(&queues.dead_letters).await, ["bad"]);

    let dead = used.dead_letters().await.unwrap().unwrap();
    let buried = dead.receive(Duration::ZERO).await.unwrap();
    assert_eq!(buried[0].reason.as_deref(), Some("no event: ??"));
    used.send(buried[0].body.clone(), Duration::ZERO).await.unwrap();
    dead.delete(&buried).await.unwrap();
    assert_eq!(bodies(&queues.queue).await, ["bad"]);
    assert_eq!(bodies(&queues.dead_letters).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_largest_message_can_be_buried_too() {
    let (_server, queues, used) = queue().await;
    let body = "x".repeat(1024 * 1024);
    used.send(body.clone(), Duration::ZERO).await.unwrap();
    let messages = used.receive(Duration::ZERO).await.unwrap();
    used.bury(&messages[0], "too long to have a reason").await.unwrap();
    assert_eq!(bodies(&queues.dead_letters).await, [body]);
}

#[tokio::test]
async fn a_queue_without_dead_letter_queue_says_so_and_keeps_the_message() {
    let (_server, queues, _used) = queue().await;
    let used = used(&queues.dead_letters);
    used.send("bad".into(), Duration::ZERO).await.unwrap();
    let messages = used.receive(Duration::ZERO).await.unwrap();
    let error = used.bury(&messages[0], "no event").await.unwrap_err();
    assert!(error.to_string().contains("has no dead-letter queue"), "{error}");
    assert!(used.dead_letters().await.unwrap().is_none());
    assert_eq!(used.depth().await.unwrap().in_flight, 1);
}
