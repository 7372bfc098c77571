use std::time::{Duration, Instant, SystemTime};

use hookwire_event::{Data, Event, EventId, EventTime, EventType, Payload, SourceUri, Topic};
use hookwire_queue::{Content, InLog, Record};
use hookwire_sqs_server::Queue;
use hookwire_tests::{FunctionOptions, Stream, gmail_push};
use serde_json::{Value, json};

use super::Backends;

/// A record as a relay writes it that could reach nothing but the queue.
pub fn spilled(topic: &str, id: &str, data: &str, accepted: SystemTime) -> String {
    let event = Event {
        id: EventId::parse(id).unwrap(),
        source: SourceUri::parse("/webhooks/test").unwrap(),
        topic: Topic::parse(topic).unwrap(),
        event_type: EventType::parse("test").unwrap(),
        time: EventTime::from_unix_ms(1),
        data: Data { payload: Payload::Text(data.into()), content_type: None },
        key: None,
        extensions: Vec::new(),
    };
    let since_epoch = accepted.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let accepted_at_us = u64::try_from(since_epoch.as_micros()).unwrap();
    Record { accepted_at_us, content: Content::Event(event, InLog::No) }.encode()
}

/// Sends these in this order.
async fn send_all(queue: &Queue, bodies: impl Iterator<Item = String>) {
    let bodies: Vec<_> = bodies.collect();
    for batch in bodies.chunks(10) {
        let entry =
            |(n, body): (usize, &String)| json!({ "Id": n.to_string(), "MessageBody": body });
        let entries: Vec<_> = batch.iter().enumerate().map(entry).collect();
        queue.call("SendMessageBatch", json!({ "Entries": entries })).await.unwrap();
    }
}

/// The id of the next event, whatever the stream is told of before.
pub async fn next_id(stream: &mut Stream) -> String {
    loop {
        let event = stream.event().await;
        if !event.name.starts_with("hookwire.") {
            return event.data["id"].as_str().unwrap().to_owned();
        }
    }
}

/// Waits until this is so.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_redis_loses_with_its_last_second_comes_again() {
    let mut backends = Backends::start().await;
    // The queue must have everything, so nobody is told of a loss that is only possible.
    let relay = backends.relay().set("QUEUE_DELAY", "3s").set("ACK", "queue").start().await;
    let mut stream = relay.follow("topic=gmail/a@example.com", None).await;
    stream.primed().await;
    let push = async |id: &str| {
        let answer = relay.push("gmail", &gmail_push(id, "a@example.com", 1)).await;
        answer.json::<Value>().await.unwrap()["outcome"].clone()
    };
    assert_eq!(push("kept").await, "appended");
    let loses = backends.redis.kill_and_lose(Duration::from_secs(1));
    let pushes = async {
        // Not before the second that is lost has begun.
        tokio::time::sleep(Duration::from_millis(300)).await;
        for id in ["lost 1", "lost 2"] {
            assert_eq!(push(id).await, "appended");
        }
    };
    tokio::join!(loses, pushes);
    for id in ["kept", "lost 1", "lost 2"] {
        assert_eq!(next_id(&mut stream).await, id);
    }
    backends.redis.restart().await;
    let mut gaps = Vec::new();
    let mut again = Vec::new();
    while again.len() < 2 {
        let event = stream.event().await;
        match event.name.as_str() {
            "hookwire.gap" => gaps.push(event.data["reason"].clone()),
            "gmail.history" => again.push(event.data["id"].clone()),
            _ => {}
        }
    }
    assert_eq!(gaps, ["rollback"], "whoever saw them is told that they are gone");
    assert_eq!(again, ["lost 1", "lost 2"]);
    until("the queue is empty", async || backends.queues.queue.depth().await == Default::default())
        .await;
    let history = relay.get("/topics/gmail%2Fa@example.com/events").send().await.unwrap();
    let history: Value = history.json().await.unwrap();
    assert_eq!(history["events"].as_array().unwrap().len(), 3, "{history}");
}

#[tokio::test]
async fn an_outage_uses_no_receives_up_and_everything_comes_in_order() {
    const EVENTS: u64 = 2_000;
    let mut backends = Backends::start().await;
    let hours_ago = SystemTime::now() - Duration::from_hours(6);
    let queue = &backends.queues.queue;
    let accepted = |n: u64| hours_ago + Duration::from_millis(n);
    let bodies =
        (0..EVENTS).map(|n| spilled(&format!("t/{}", n % 4), &n.to_string(), "x", accepted(n)));
    send_all(queue, bodies).await;
    backends.redis.kill().await;
    let relay = backends.relay().set("QUEUE_DELAY", "1s").start().await;
    until("the relay has met messages that it cannot append", async || {
        queue.depth().await.in_flight > 0
    })
    .await;
    let calls = || backends.faults.calls("ReceiveMessage");
    let before = calls();
    // Long enough that a drain which went on receiving would show.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(calls() - before < 300, "{} receives in five seconds of outage", calls() - before);
    backends.redis.restart().await;
    let mut streams = Vec::new();
    for topic in 0..4 {
        streams.push(relay.follow(&format!("topic=t/{topic}&earliest"), None).await);
    }
    for (topic, stream) in streams.iter_mut().enumerate() {
        for n in 0..EVENTS / 4 {
            assert_eq!(next_id(stream).await, (n * 4 + topic as u64).to_string());
        }
    }
    until("the queue is empty", async || queue.depth().await == Default::default()).await;
    assert_eq!(backends.queues.dead_letters.depth().await, Default::default());
}

#[tokio::test]
async fn a_poison_record_is_buried_after_three_attempts_and_stops_nothing() {
    let backends = Backends::start().await;
    let queue = &backends.queues.queue;
    let now = SystemTime::now();
    for body in [spilled("t", "1", "x", now), "poison".to_owned(), spilled("t", "2", "x", now)] {
        queue.send(&body).await;
    }
    let relay = backends.relay().start().await;
    let mut stream = relay.follow("topic=t&earliest", None).await;
    assert_eq!([next_id(&mut stream).await, next_id(&mut stream).await], ["1", "2"]);
    let dead = &backends.queues.dead_letters;
    until("it is buried", async || dead.depth().await.visible == 1).await;
    let buried = dead.peek().await.remove(0);
    assert_eq!(buried.body, "poison");
    assert!(buried.attributes["reason"].contains("no record of this relay"), "{buried:?}");
    until("it is gone from the queue", async || {
        let depth = queue.depth().await;
        depth.visible + depth.in_flight == 0
    })
    .await;
    until("somebody is told", async || relay.log().contains("redrive")).await;
}

#[tokio::test]
async fn the_lambda_function_answers_which_messages_sqs_must_keep() {
    let mut backends = Backends::start().await;
    let folder = tempfile::tempdir().unwrap();
    let queue = format!("sqs:{}", backends.queues.queue.url());
    let redis = backends.redis.url();
    let function = FunctionOptions::new("hookwire-drain", "drain", folder.path());
    let function = function.variable("HOOKWIRE_LOG", &redis).variable("HOOKWIRE_QUEUE", &queue);
    let function = function.deploy();
    let queue = backends.queues.queue.clone();
    for body in [spilled("t", "1", "x", SystemTime::now()), "poison".to_owned()] {
        queue.send(&body).await;
    }
    let batch = async || {
        let received = queue.receive(Duration::from_secs(20)).await;
        let record = |message: &hookwire_sqs_server::Message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt_handle,
                "body": message.body,
                "attributes": { "ApproximateReceiveCount": message.receive_count.to_string() },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
            })
        };
        let records: Vec<_> = received.iter().map(record).collect();
        (received, json!({ "Records": records }))
    };
    let (received, event) = batch().await;
    assert_eq!(received.len(), 2);
    let answer = function.call(event).await.unwrap();
    let failed = |answer: &Value| -> Vec<String> {
        let failures = answer["batchItemFailures"].as_array().unwrap().iter();
        failures.map(|one| one["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(failed(&answer), [received[1].id.clone()], "the other one is in the log");
    queue.delete(&received[0]).await;

    for attempt in 2..=3 {
        let (received, event) = batch().await;
        assert_eq!(received[0].receive_count, attempt);
        let answer = function.call(event).await.unwrap();
        assert_eq!(failed(&answer).is_empty(), attempt == 3, "{answer}");
    }
    assert_eq!(backends.queues.dead_letters.depth().await.visible, 1);

    backends.redis.kill().await;
    queue.send(&spilled("t", "2", "x", SystemTime::now())).await;
    let (received, event) = batch().await;
    let answer = function.call(event).await.unwrap();
    assert_eq!(failed(&answer), [received[0].id.clone()]);
    backends.redis.restart().await;
    // Redis may still be left alone for a while.
    loop {
        let (received, event) = batch().await;
        let answer = function.call(event).await.unwrap();
        if failed(&answer).is_empty() {
            queue.delete(&received[0]).await;
            break;
        }
    }
    let relay = backends.relay().start().await;
    let mut stream = relay.follow("topic=t&earliest", None).await;
    assert_eq!([next_id(&mut stream).await, next_id(&mut stream).await], ["1", "2"]);

    let record = json!({ "body": "x", "attributes": {}, "messageAttributes": {} });
    let error = function.call(json!({ "Records": [record] })).await.unwrap_err();
    assert!(error["errorMessage"].as_str().unwrap().contains("no id"), "{error}");
    function.check();
}
