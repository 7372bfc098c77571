//! What publishers are promised.

use hookwire_tests::{GMAIL, Relay, RelayOptions, gmail_push, pubsub_push};
use serde_json::{Value, json};

#[tokio::test]
async fn googles_documented_push_is_appended_and_reaches_the_stream() {
    let relay = RelayOptions::default().on_disk().start().await;
    let mut stream = relay.follow("topic=gmail/user@example.com", None).await;
    stream.primed().await;
    let push =
        || relay.post("/webhooks/gmail").header("content-type", "application/json").body(GMAIL);
    let answer = push().send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer, json!({ "outcome": "appended", "id": "2070443601311540" }));
    let event = stream.event().await;
    assert_eq!(event.name, "gmail.history");
    assert_eq!(
        *event.payload(),
        json!({ "emailAddress": "user@example.com", "historyId": "1234567890" })
    );
    assert_eq!(event.data["time"], "2021-02-26T19:13:55.749Z");
    assert_eq!(event.data["subject"], "gmail/user@example.com");

    let again: Value = push().send().await.unwrap().json().await.unwrap();
    assert_eq!(again["outcome"], "duplicate");
    relay.publish("gmail/user@example.com", "marker", &json!("marker")).await;
    assert_eq!(*stream.event().await.payload(), "marker", "the duplicate was not shown");
}

#[tokio::test]
async fn twins_pushed_at_once_are_appended_once() {
    let relay = RelayOptions::default().on_disk().set("CLIENT_LIMIT", 10_000).start().await;
    let mut pushes = tokio::task::JoinSet::new();
    for n in 0..100 {
        let request = relay.post("/webhooks/gmail").json(&gmail_push(
            &format!("{}", n % 4),
            "a@example.com",
            7,
        ));
        pushes.spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
    }
    let answers = pushes.join_all().await;
    let count =
        |outcome: &str| answers.iter().filter(|answer| answer["outcome"] == outcome).count();
    assert_eq!((count("appended"), count("duplicate")), (4, 96));
    let history: Value =
        relay.get("/topics/gmail/a@example.com/events").send().await.unwrap().json().await.unwrap();
    assert_eq!(history["events"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn the_same_history_id_in_two_messages_is_two_events() {
    let relay = Relay::start().await;
    for id in ["1", "2"] {
        let answer: Value =
            relay.push("gmail", &gmail_push(id, "a@example.com", 7)).await.json().await.unwrap();
        assert_eq!(answer["outcome"], "appended");
    }
}

#[tokio::test]
async fn a_mailbox_is_one_topic_however_its_address_is_spelled() {
    let relay = Relay::start().await;
    let mut stream = relay.follow("topic=gmail/alice@example.com", None).await;
    stream.primed().await;
    relay.push("gmail", &gmail_push("1", "Alice@Example.COM", u64::MAX)).await;
    assert_eq!(stream.event().await.payload()["historyId"], "18446744073709551615");
}

#[tokio::test]
async fn a_pubsub_message_keeps_its_attributes_and_its_key() {
    let file = r#"
        [[sources]]
        name = "orders"
        kind = "pubsub"
        topic = "orders/{attributes.region}"
        event_type = "order.placed"
    "#;
    let relay = RelayOptions::default().file(file).start().await;
    // A slash in an attribute must not reach over its segment.
    let mut escaped = relay.follow("topic=orders/eu%252Fwest", None).await;
    escaped.primed().await;
    let mut push =
        pubsub_push("1", br#"{"order":12345678901234567890}"#, &json!({ "region": "eu/west" }));
    push["message"]["orderingKey"] = json!("customer-7");
    let answer = relay.push("orders", &push).await;
    assert_eq!(answer.status(), 200);
    let event = escaped.event().await;
    assert_eq!(event.name, "order.placed");
    assert_eq!(event.data["partitionkey"], "customer-7");
    assert_eq!(event.data["attributes"], r#"{"region":"eu/west"}"#);
    assert!(
        String::from_utf8_lossy(&escaped.raw).contains("12345678901234567890"),
        "no digit is lost"
    );
}

#[tokio::test]
async fn an_unwrapped_push_is_read_from_its_headers_and_its_bare_body() {
    let file = "[[sources]]\nname = \"raw\"\nkind = \"pubsub\"\nwrapped = false\n";
    let relay = RelayOptions::default().file(file).start().await;
    let subscription = "projects/p/subscriptions/s";
    let mut stream = relay.follow(&format!("topic=pubsub/{subscription}"), None).await;
    stream.primed().await;
    let push = || {
        relay
            .post("/webhooks/raw")
            .header("x-goog-pubsub-subscription-name", subscription)
            .header("x-goog-pubsub-publish-time", "2021-02-26T19:13:55.749Z")
            .body("plain text")
    };
    let answer = push().header("x-goog-pubsub-message-id", "1").send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["outcome"], "appended");
    assert_eq!(*stream.event().await.payload(), "plain text");
    // Without metadata there is no id to deduplicate by: told to the operator, not nacked for days.
    let answer: Value = push().send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["outcome"], "quarantined");
    assert!(answer["reason"].as_str().unwrap().contains("write metadata"), "{answer}");
}

#[tokio::test]
async fn headers_of_a_wrapped_push_cannot_change_its_id() {
    let relay = Relay::start().await;
    for id in ["1", "2"] {
        let request = relay.post("/webhooks/gmail").json(&gmail_push(id, "a@example.com", 1));
        let answer = request.header("x-goog-pubsub-message-id", "same").send().await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap()["outcome"], "appended");
    }
}

#[tokio::test]
async fn a_client_over_its_limit_is_told_truthfully_when_to_come_again() {
    let relay = RelayOptions::default()
        .set("CLIENT_LIMIT", 60)
        .set("BYPASS_SECRET", "let-me-in")
        .start()
        .await;
    let push = |n: u32| {
        relay.post("/webhooks/gmail").json(&gmail_push(&n.to_string(), "a@example.com", 1))
    };
    let mut refused = None;
    for n in 0..100 {
        let answer = push(n).send().await.unwrap();
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the 61st push of a minute is refused");
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let bypassed = push(200).header("x-hookwire-bypass", "let-me-in").send().await.unwrap();
    assert_eq!(bypassed.status(), 200);
    let wrong = push(201).header("x-hookwire-bypass", "let-me-im").send().await.unwrap();
    assert_eq!(wrong.status(), 429);
    let forged = push(202).header("x-forwarded-for", "9.9.9.9").send().await.unwrap();
    assert_eq!(forged.status(), 429, "an address that a client made up counts for nothing");
}
