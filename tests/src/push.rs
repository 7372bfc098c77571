use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Google's documented Gmail push, to the letter.
pub const GMAIL: &str = include_str!("../fixtures/gmail-push.json");

/// A Gmail push as Google really sends it: both spellings of the metadata, and the history id as a number.
#[must_use]
pub fn gmail_push(message_id: &str, address: &str, history_id: u64) -> Value {
    let data = json!({ "emailAddress": address, "historyId": history_id }).to_string();
    pubsub_push(message_id, data.as_bytes(), &json!({}))
}

/// A wrapped Pub/Sub push.
#[must_use]
pub fn pubsub_push(message_id: &str, data: &[u8], attributes: &Value) -> Value {
    json!({
        "message": {
            "data": STANDARD.encode(data),
            "attributes": attributes,
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": "2021-02-26T19:13:55.749Z",
            "publish_time": "2021-02-26T19:13:55.749Z",
        },
        "subscription": "projects/myproject/subscriptions/mysubscription",
    })
}
