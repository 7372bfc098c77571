//! What was quarantined is taken again with the headers that were kept, and those prove nothing.

use hookwire_tests::RelayOptions;
use serde_json::{Value, json};

use super::sender::{Headers, now, push, sign};
use crate::clients::Program;

/// Pushes to a source whose topic needs what the body lacks, mends the source, and tries again.
async fn is_taken_once_mended(kind: &str, headers: &Headers, body: &str, kept: &[&str]) {
    let file = |topic: &str| format!("[[sources]]\nname = \"x\"\n{kind}\ntopic = \"{topic}\"\n");
    let options = RelayOptions::default().on_disk().file(&file("a/{body.no.such.thing}"));
    let mut relay = options.start().await;
    let answer: Value = push(&relay, headers, body).await.json().await.unwrap();
    assert_eq!(answer["outcome"], "quarantined", "{answer}");
    assert!(answer["reason"].as_str().unwrap().contains("{body.no.such.thing}"), "{answer}");
    let shown: Value = relay.get("/admin/quarantine/1").send().await.unwrap().json().await.unwrap();
    let names =
        shown["headers"].as_array().unwrap().iter().map(|header| header[0].as_str().unwrap());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    assert_eq!(names, kept);

    relay.kill().await;
    std::fs::write(relay.folder().join("hookwire.toml"), file("a")).unwrap();
    relay.restart().await;
    let retry: Value =
        relay.post("/admin/quarantine/1/retry").send().await.unwrap().json().await.unwrap();
    assert_eq!(retry["outcome"], "appended", "{retry}");
    let again: Value = push(&relay, headers, body).await.json().await.unwrap();
    assert_eq!(again, json!({ "outcome": "duplicate", "id": retry["id"] }));
}

#[tokio::test]
async fn a_standard_webhook_keeps_its_id() {
    let (secret, body) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "{}");
    let mut program = Program::start("sign.mjs", &[]);
    let headers = sign(&mut program, "standard-webhooks", secret, body, "msg_1", now()).await;
    let kind = format!("kind = \"standard-webhooks\"\nsecret = \"{secret}\"");
    is_taken_once_mended(&kind, &headers, body, &["content-type", "webhook-id"]).await;
}

#[tokio::test]
async fn a_delivery_of_github_keeps_its_id_and_its_event() {
    let mut program = Program::start("sign.mjs", &[]);
    let headers = sign(&mut program, "github", "secret", "{}", "72d3162e", 0).await;
    let kept = ["content-type", "x-github-delivery", "x-github-event"];
    let kind = "kind = \"github\"\nsecret = \"secret\"";
    is_taken_once_mended(kind, &headers, "{}", &kept).await;
}

#[tokio::test]
async fn a_slash_command_keeps_the_time_that_its_id_is_made_of() {
    let (body, mut program) = ("command=%2Fweather", Program::start("sign.py", &[]));
    let headers = sign(&mut program, "slack", "secret", body, "", now()).await;
    let kept = ["content-type", "x-slack-request-timestamp"];
    is_taken_once_mended("kind = \"slack\"\nsecret = \"secret\"", &headers, body, &kept).await;
}

#[tokio::test]
async fn a_cloud_event_in_binary_mode_keeps_its_attributes() {
    let mut program = Program::start("sign.mjs", &[]);
    let event = json!({ "id": "7", "source": "/shop", "type": "a", "data": { "n": 1 } });
    let made = program.ask(&json!({ "mode": "binary", "event": event })).await;
    let mut headers: Headers = serde_json::from_value(made["headers"].clone()).unwrap();
    headers.insert("authorization".into(), "Bearer secret".into());
    let kept = ["ce-id", "ce-source", "ce-specversion", "ce-time", "ce-type", "content-type"];
    let kind = "kind = \"cloudevents\"\nsecret = \"secret\"";
    is_taken_once_mended(kind, &headers, r#"{"n":1}"#, &kept).await;
}
