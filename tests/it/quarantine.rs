//! What can never become an event is kept with its reason, and acknowledged.

use hookwire_tests::{Relay, RelayOptions, gmail_push};
use serde_json::{Value, json};

#[tokio::test]
async fn an_unusable_notification_is_acknowledged_listed_and_survives_a_restart() {
    let mut relay = RelayOptions::default().on_disk().start().await;
    for (body, reason) in [
        (json!({ "message": { "data": "!!", "messageId": "1" } }), "base64"),
        (json!({ "message": { "data": "bm8ganNvbg", "messageId": "2" } }), "no JSON"),
        (json!({ "message": { "data": "e30", "messageId": "3" } }), "emailAddress"),
        (json!({ "message": { "data": "e30" } }), "messageId"),
        (json!({ "hello": 1 }), "lacks a field"),
        (gmail_push("4", "no address", 1), "emailAddress"),
    ] {
        let answer = relay.push("gmail", &body).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["outcome"], "quarantined", "{body}");
        assert!(answer["reason"].as_str().unwrap().contains(reason), "{answer}");
    }
    relay.kill().await;
    relay.restart().await;
    let list: Value = relay.get("/admin/quarantine").send().await.unwrap().json().await.unwrap();
    assert_eq!(list["notifications"].as_array().unwrap().len(), 6);
    let shown: Value = relay.get("/admin/quarantine/1").send().await.unwrap().json().await.unwrap();
    assert!(shown["body"].as_str().unwrap().contains("!!"));
}

#[tokio::test]
async fn a_notification_is_taken_again_once_its_source_is_mended() {
    let wrong = "[[sources]]\nname = \"orders\"\nkind = \"gmail\"\n";
    let mut relay = RelayOptions::default().on_disk().file(wrong).start().await;
    let push = hookwire_tests::pubsub_push("1", b"hello", &json!({}));
    let answer: Value = relay.push("orders", &push).await.json().await.unwrap();
    assert_eq!(answer["outcome"], "quarantined");
    let retry = relay.post("/admin/quarantine/1/retry").send().await.unwrap();
    assert_eq!(retry.status(), 409, "its source still reads Gmail");

    relay.kill().await;
    std::fs::write(relay.folder().join("hookwire.toml"), wrong.replace("gmail", "pubsub")).unwrap();
    relay.restart().await;
    let retry: Value =
        relay.post("/admin/quarantine/1/retry").send().await.unwrap().json().await.unwrap();
    assert_eq!(retry["outcome"], "appended");
    let topic = "pubsub/projects/myproject/subscriptions/mysubscription";
    let mut stream = relay.follow(&format!("topic={topic}&earliest"), None).await;
    assert_eq!(*stream.event().await.payload(), "hello");
    let gone = relay.get("/admin/quarantine/1").send().await.unwrap();
    assert_eq!(gone.status(), 404);
}

#[tokio::test]
async fn from_a_terminal_what_is_quarantined_is_dropped_or_all_of_it_tried_again() {
    let wrong = "[[sources]]\nname = \"orders\"\nkind = \"gmail\"\n";
    let mut relay = RelayOptions::default().on_disk().file(wrong).start().await;
    for id in ["1", "2", "3"] {
        let push = hookwire_tests::pubsub_push(id, b"hello", &json!({}));
        let answer: Value = relay.push("orders", &push).await.json().await.unwrap();
        assert_eq!(answer["outcome"], "quarantined");
    }
    let quarantine = async |relay: &Relay, arguments: &[&str]| {
        let mut command = Relay::command(relay.folder());
        command.args(["quarantine", "--url", &relay.url("/")]).args(arguments);
        let output = command.output().await.unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), text)
    };
    let (well, said) = quarantine(&relay, &["drop", "2"]).await;
    assert!(well && said.contains("dropped"), "{said}");
    let (well, said) = quarantine(&relay, &["drop", "2"]).await;
    assert!(!well && said.contains("404"), "{said}");
    let (well, said) = quarantine(&relay, &["retry", "--all"]).await;
    assert!(!well && said.contains("2 of 2 stay in the quarantine"), "{said}");

    relay.kill().await;
    std::fs::write(relay.folder().join("hookwire.toml"), wrong.replace("gmail", "pubsub")).unwrap();
    relay.restart().await;
    let (well, said) = quarantine(&relay, &["retry", "--all"]).await;
    assert!(well, "{said}");
    let topic = "pubsub/projects/myproject/subscriptions/mysubscription";
    let mut stream = relay.follow(&format!("topic={topic}&earliest"), None).await;
    for id in ["1", "3"] {
        assert_eq!(stream.event().await.data["id"], id, "oldest first");
    }
    let list: Value = relay.get("/admin/quarantine").send().await.unwrap().json().await.unwrap();
    assert_eq!(list["notifications"], json!([]));
}
