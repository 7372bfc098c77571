//! What is missing is always announced.

use hookwire_tests::RelayOptions;
use serde_json::{Value, json};

async fn relay(on_disk: bool) -> hookwire_tests::Relay {
    let options = RelayOptions::default().set("RETENTION_EVENTS", 3).set("RING_EVENTS", 2);
    if on_disk { options.on_disk().start().await } else { options.start().await }
}

#[tokio::test]
async fn a_cursor_older_than_the_log_is_told_how_many_are_missing() {
    for on_disk in [false, true] {
        let relay = relay(on_disk).await;
        let mut cursors = Vec::new();
        for n in 1..=9 {
            let answer = relay.publish("a", &n.to_string(), &json!(n)).await;
            cursors.push(answer["cursor"].as_str().unwrap().to_owned());
        }
        let mut stream = relay.follow("topic=a", Some(&cursors[1])).await;
        let gap = stream.event().await;
        assert_eq!(gap.name, "hookwire.gap");
        let expected = json!({
            "topic": "a", "reason": "trimmed", "missed": 4, "certain": true,
            "requested": cursors[1], "resumed_at": cursors[5],
        });
        assert_eq!(gap.data, expected);
        assert_eq!(gap.id, cursors[5], "a resume does not tell it again");
        for n in 7..=9 {
            assert_eq!(*stream.event().await.payload(), n);
        }
        let page = format!("/topics/a/events?after={}", cursors[1]);
        let page: Value = relay.get(&page).send().await.unwrap().json().await.unwrap();
        assert_eq!(page["gap"]["missed"], 4);
    }
}

#[tokio::test]
async fn a_garbage_cursor_is_a_gap_and_not_an_error() {
    for on_disk in [false, true] {
        let relay = relay(on_disk).await;
        for n in 1..=2 {
            relay.publish("a", &n.to_string(), &json!(n)).await;
        }
        for garbage in
            ["garbage", "💥", "-1", "1-99999999999999999999", "v1.AAAA", "../../etc/passwd"]
        {
            let request = relay.get("/events?topic=a").query(&[("lastEventId", garbage)]);
            let mut stream =
                relay.follow(request.build().unwrap().url().query().unwrap(), None).await;
            let gap = stream.event().await;
            assert_eq!(gap.name, "hookwire.gap", "{garbage}");
            assert_eq!(
                (&gap.data["reason"], &gap.data["requested"]),
                (&json!("reset"), &json!(garbage))
            );
            assert_eq!(*stream.event().await.payload(), 1);
            assert_eq!(*stream.event().await.payload(), 2);
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_log_or_of_the_future_is_a_gap() {
    let relay = relay(true).await;
    let answer = relay.publish("a", "1", &json!(1)).await;
    let (generation, _) = answer["cursor"].as_str().unwrap().split_once('-').unwrap();
    for (cursor, reason, next) in [
        ("1600000000000-7".to_owned(), "reset", json!(1)),
        (format!("{generation}-500"), "rollback", json!("new")),
    ] {
        let mut stream = relay.follow("topic=a", Some(&cursor)).await;
        let gap = stream.event().await;
        assert_eq!((gap.name.as_str(), &gap.data["reason"]), ("hookwire.gap", &json!(reason)));
        relay.publish("a", &cursor, &json!("new")).await;
        assert_eq!(*stream.event().await.payload(), next);
    }
}

#[tokio::test]
async fn a_topic_that_is_new_to_a_cursor_is_followed_from_now_without_a_gap() {
    let relay = relay(false).await;
    relay.publish("b", "0", &json!(0)).await;
    let cursor = relay.follow("topic=a&topic=c", None).await.primed().await;
    let mut stream = relay.follow("topic=a&topic=b", Some(&cursor)).await;
    stream.primed().await;
    relay.publish("b", "1", &json!(1)).await;
    assert_eq!(*stream.event().await.payload(), 1);
}
