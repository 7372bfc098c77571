use std::time::Duration;

use hookwire_sqs_server::{Depth, Fault, Faults, Queues, Server};

use super::{Found, doctor_anywhere};

struct Backends {
    _sqs: Server,
    faults: Faults,
    queues: Queues,
}

impl Backends {
    async fn start(max_receives: u32) -> Self {
        let sqs = Server::start().await;
        let queues = sqs.queue("hookwire", max_receives, Duration::from_secs(30)).await;
        let faults = Faults::before(&sqs).await;
        Self { _sqs: sqs, faults, queues }
    }

    async fn doctor(&self) -> Found {
        let queue = format!("sqs:{}", self.queues.queue.through(&self.faults).url());
        doctor_anywhere(&[("HOOKWIRE_QUEUE", &queue)]).await
    }
}

#[tokio::test]
async fn a_good_queue_is_told_so_and_nothing_is_left_in_it() {
    let backends = Backends::start(1_000).await;
    backends.queues.queue.send("kept").await;
    let found = backends.doctor().await;
    found.expect("ok", "queue", "1 waiting");
    found.expect("ok", "queue", "it lets this relay send");
    let depth = backends.queues.queue.depth().await;
    assert_eq!(depth, Depth { visible: 1, ..Depth::default() });
    assert_eq!(backends.queues.queue.peek().await.len(), 1);
}

#[tokio::test]
async fn dead_letters_and_a_policy_that_makes_them_are_told() {
    let backends = Backends::start(3).await;
    backends.doctor().await.expect("warn", "queue", "maxReceiveCount is 3");
    backends.queues.dead_letters.send("lost").await;
    let found = backends.doctor().await;
    found.expect("bad", "queue", "hookwire redrive --list");
    assert_eq!(found.incidents(), ["dead-letters"]);
}

#[tokio::test]
async fn a_queue_that_does_not_answer_or_denies_something_is_bad() {
    let backends = Backends::start(1_000).await;
    for fault in [Fault::Refuse, Fault::Fail, Fault::Deny] {
        backends.faults.set(fault);
        let found = backends.doctor().await;
        found.expect("bad", "queue", "does not answer");
        assert_eq!(found.incidents(), ["queue-unreachable"], "{fault:?}");
    }
    for (action, word) in [
        ("SendMessageBatch", "send"),
        ("ReceiveMessage", "receive"),
        ("DeleteMessage", "delete"),
        ("ChangeMessageVisibility", "postpone"),
    ] {
        backends.faults.set(Fault::None);
        backends.faults.set_for(action, Fault::Deny);
        let found = backends.doctor().await;
        found.expect("bad", "queue", &format!("it does not {word}: AccessDenied"));
        found.expect("bad", "queue", "allow the role of the process");
    }
    let none = doctor_anywhere(&[(
        "HOOKWIRE_QUEUE",
        "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/hookwire",
    )]);
    none.await.expect("bad", "queue", "AWS_ACCESS_KEY_ID");
}
