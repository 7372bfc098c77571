use std::collections::BTreeMap;

use serde_json::Value;

/// A message as it was received, or is seen in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What SQS calls it.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// What was sent beside the body, if it is text.
    pub attributes: BTreeMap<String, String>,
    /// How many times it has been received, this time included.
    pub receive_count: u64,
    /// What deletes it or changes its visibility, if it was received.
    pub receipt_handle: Option<String>,
}

impl Message {
    /// As `ReceiveMessage` answers.
    pub(crate) fn received(message: &Value) -> Self {
        Self {
            id: text(&message["MessageId"]),
            body: text(&message["Body"]),
            attributes: attributes(&message["MessageAttributes"]),
            receive_count: number(&message["Attributes"]["ApproximateReceiveCount"]),
            receipt_handle: Some(text(&message["ReceiptHandle"])),
        }
    }

    /// As the emulator keeps it.
    pub(crate) fn kept(message: &Value) -> Self {
        Self {
            id: text(&message["messageId"]),
            body: text(&message["body"]),
            attributes: attributes(&message["messageAttributes"]),
            receive_count: message["approximateReceiveCount"].as_u64().unwrap(),
            receipt_handle: None,
        }
    }
}

fn attributes(attributes: &Value) -> BTreeMap<String, String> {
    let attributes = attributes.as_object().into_iter().flatten();
    let texts = attributes.filter_map(|(name, value)| Some((name, value["StringValue"].as_str()?)));
    texts.map(|(name, text)| (name.clone(), text.to_owned())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// SQS writes numbers as text.
pub(crate) fn number(value: &Value) -> u64 {
    text(value).parse().unwrap()
}
