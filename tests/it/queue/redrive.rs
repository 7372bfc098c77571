use std::time::SystemTime;

use hookwire_tests::Relay;

use super::Backends;
use super::drain::{next_id, spilled, until};

/// Runs the program where `relay` runs, with its queue, and returns what it says and whether it went well.
async fn hookwire(backends: &Backends, relay: &Relay, arguments: &[&str]) -> (bool, String) {
    let mut command = Relay::command(relay.folder());
    command.env("HOOKWIRE_LOG", backends.redis.url());
    command.env("HOOKWIRE_QUEUE", format!("sqs:{}", backends.queues.queue.url()));
    let output = command.args(arguments).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn dead_letters_come_back_once_the_cause_is_mended() {
    let backends = Backends::start().await;
    let large = spilled("t", "large", &"x".repeat(3_000), SystemTime::now());
    backends.queues.queue.send(&large).await;
    let small = backends.relay().set("RETENTION_BYTES", 2_000).start().await;
    let dead = &backends.queues.dead_letters;
    until("it is buried", async || dead.depth().await.visible == 1).await;
    drop(small);

    let relay = backends.relay().start().await;
    let (well, listed) = hookwire(&backends, &relay, &["redrive", "--list"]).await;
    assert!(well && listed.contains("event large on t"), "{listed}");
    assert!(listed.contains("the limit is 2000"), "it says why: {listed}");
    assert_eq!(dead.depth().await.visible, 1, "looking at it changes nothing");

    let mut stream = relay.follow("topic=t", None).await;
    stream.primed().await;
    let (well, said) = hookwire(&backends, &relay, &["redrive", "--rate", "1000"]).await;
    assert!(well && said.contains("moved 1 of 1"), "{said}");
    assert_eq!(next_id(&mut stream).await, "large");
    assert_eq!(dead.depth().await, Default::default());
    let (well, said) = hookwire(&backends, &relay, &["redrive"]).await;
    assert!(well && said.contains("moved 0 of 0"), "{said}");
}

#[tokio::test]
async fn without_a_queue_it_says_where_hopeless_things_are() {
    let relay = Relay::start().await;
    let output = Relay::command(relay.folder()).arg("redrive").output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("hookwire quarantine list"), "{said}");
}

#[tokio::test]
async fn check_asks_the_queue_and_says_what_is_wrong_with_it() {
    let backends = Backends::start().await;
    let relay = backends.relay().start().await;
    let (well, said) = hookwire(&backends, &relay, &["check"]).await;
    assert!(well && said.contains("dead letters"), "{said}");
    let mut command = Relay::command(relay.folder());
    command.env("HOOKWIRE_QUEUE", "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/a.fifo");
    let output = command.arg("check").output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("FIFO"), "{said}");
}
