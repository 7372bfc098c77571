//! What only Slack does.

use hookwire_tests::RelayOptions;
use serde_json::Value;

use super::sender::{Sender, keeps_nothing, now, push, sign};
use crate::clients::Program;

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

pub(super) const SLACK: Sender = Sender {
    program: "sign.py",
    scheme: "slack",
    kind: "slack",
    settings: "",
    secrets: [SECRET, "e6b19c573432dcc6b075501d51b51bb8"],
    wrong_secret: "00000000000000000000000000000000",
    public_keys: None,
    body: include_str!("../../fixtures/slack-event.json"),
    proof: &["x-slack-signature", "x-slack-request-timestamp"],
    has_time: true,
    topic: "x",
    event_type: "slack.name_of_event",
    id: "Ev08MFMKH6",
};

#[tokio::test]
async fn the_check_of_a_url_is_answered_when_slack_asks_and_nobody_else() {
    const CHALLENGE: &str = include_str!("../../fixtures/slack-challenge.json");
    const ANSWER: &str = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P";
    let relay = SLACK.relay().await;
    let mut program = Program::start("sign.py", &[]);
    let forged = sign(&mut program, "slack", SLACK.wrong_secret, CHALLENGE, "", now()).await;
    let answer = push(&relay, &forged, CHALLENGE).await;
    assert_eq!(answer.status(), 401);
    assert!(!answer.text().await.unwrap().contains(ANSWER));
    let right = sign(&mut program, "slack", SECRET, CHALLENGE, "", now()).await;
    let answer = push(&relay, &right, CHALLENGE).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    assert_eq!(answer.text().await.unwrap(), ANSWER);
    keeps_nothing(&relay, SLACK.topic).await;
}

#[tokio::test]
async fn a_slash_command_is_an_event_and_the_same_request_again_is_a_duplicate() {
    let body = "token=x&command=%2Fweather&text=94070";
    let relay = RelayOptions::default()
        .file("[[sources]]\nname = \"x\"\nkind = \"slack\"\nsecret_env = \"HOOKWIRE_SLACK\"\n")
        .set("SLACK", SECRET)
        .start()
        .await;
    let mut stream = relay.follow("topic=x", None).await;
    stream.primed().await;
    let mut program = Program::start("sign.py", &[]);
    let at = now();
    let mut outcomes = Vec::new();
    for at in [at, at, at - 1] {
        let headers = sign(&mut program, "slack", SECRET, body, "", at).await;
        let answer: Value = push(&relay, &headers, body).await.json().await.unwrap();
        outcomes.push(answer["outcome"].clone());
    }
    assert_eq!(outcomes, ["appended", "duplicate", "appended"]);
    let event = stream.event().await;
    assert_eq!(event.name, "slack.command");
    assert_eq!(*event.payload(), body);
    assert!(!relay.log().contains("is ignored"), "the variable is one of the settings");
}
