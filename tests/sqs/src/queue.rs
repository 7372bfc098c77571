use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use crate::Faults;
use crate::call::{CallError, call, client};
use crate::message::{Message, number};

/// The account that every queue belongs to.
const ACCOUNT: &str = "000000000000";

/// A queue and where its hopeless messages go.
#[derive(Debug, Clone)]
pub struct Queues {
    /// What is sent to and received from.
    pub queue: Queue,
    /// Where a message goes that was received too often.
    pub dead_letters: Queue,
}

/// A queue, with what tests want to know of it and do to it.
///
/// What SQS refuses or does not answer panics, but for [`Queue::call`].
#[derive(Debug, Clone)]
pub struct Queue {
    endpoint: String,
    name: String,
    client: Client,
}

/// How many messages are in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Ready to be received.
    pub visible: u64,
    /// Received and not deleted, within their visibility timeout.
    pub in_flight: u64,
    /// Sent with a delay that is not over.
    pub delayed: u64,
}

impl Queues {
    pub(crate) async fn create(
        endpoint: &str,
        name: &str,
        max_receive_count: u32,
        visibility_timeout: Duration,
    ) -> Self {
        let dead_letters = Queue::named(endpoint, &format!("{name}-dead-letters"));
        dead_letters.create(json!({})).await;
        let target = dead_letters.attribute("QueueArn").await;
        let redrive =
            json!({ "deadLetterTargetArn": target, "maxReceiveCount": max_receive_count });
        let queue = Queue::named(endpoint, name);
        queue
            .create(json!({
                "VisibilityTimeout": visibility_timeout.as_secs().to_string(),
                "RedrivePolicy": redrive.to_string(),
            }))
            .await;
        Self { queue, dead_letters }
    }
}

impl Queue {
    pub(crate) fn named(endpoint: &str, name: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), name: name.to_owned(), client: client() }
    }

    /// The same queue, spoken to through a faulty network.
    #[must_use]
    pub fn through(&self, faults: &Faults) -> Self {
        Self::named(&faults.url(), &self.name)
    }

    /// What clients call it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/{ACCOUNT}/{}", self.endpoint, self.name)
    }

    /// How many messages it holds.
    pub async fn depth(&self) -> Depth {
        let arguments = json!({ "AttributeNames": ["All"] });
        let attributes = &self.must("GetQueueAttributes", arguments).await["Attributes"];
        Depth {
            visible: number(&attributes["ApproximateNumberOfMessages"]),
            in_flight: number(&attributes["ApproximateNumberOfMessagesNotVisible"]),
            delayed: number(&attributes["ApproximateNumberOfMessagesDelayed"]),
        }
    }

    /// Sends a message, and returns its id.
    pub async fn send(&self, body: &str) -> String {
        let answer = self.must("SendMessage", json!({ "MessageBody": body })).await;
        answer["MessageId"].as_str().unwrap().to_owned()
    }

    /// Receives up to ten messages, with all of their attributes, and waits up to `wait` (in whole seconds, at most 20)
    /// for the first.
    pub async fn receive(&self, wait: Duration) -> Vec<Message> {
        let arguments = json!({
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": wait.as_secs(),
            "MessageAttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
        });
        let answer = self.must("ReceiveMessage", arguments).await;
        let messages = answer["Messages"].as_array().into_iter().flatten();
        messages.map(Message::received).collect()
    }

    /// Deletes a message that was received.
    pub async fn delete(&self, message: &Message) {
        self.must("DeleteMessage", json!({ "ReceiptHandle": message.receipt_handle })).await;
    }

    /// Every message in it, whatever its state, without receiving any. SQS itself cannot do that.
    pub async fn peek(&self) -> Vec<Message> {
        let inside = self.inside().await;
        let state = |name: &str| inside[name].as_array().unwrap().clone();
        let in_flight = state("inflight").into_iter().map(|entry| entry["message"].clone());
        let messages = state("ready").into_iter().chain(state("delayed")).chain(in_flight);
        messages.map(|message| Message::kept(&message)).collect()
    }

    /// How many long polls wait for its next message. SQS itself does not tell.
    pub async fn polls(&self) -> u64 {
        self.inside().await["polls"].as_u64().unwrap()
    }

    /// Removes all messages.
    pub async fn purge(&self) {
        self.must("PurgeQueue", json!({})).await;
    }

    /// Asks for any action on this queue; `arguments` are those beside its URL.
    ///
    /// # Errors
    ///
    /// What SQS refuses, or does not answer.
    pub async fn call(&self, action: &str, mut arguments: Value) -> Result<Value, CallError> {
        arguments["QueueUrl"] = self.url().into();
        call(&self.client, &self.endpoint, action, &arguments).await
    }

    async fn create(&self, attributes: Value) {
        let arguments = json!({ "QueueName": self.name, "Attributes": attributes });
        self.must("CreateQueue", arguments).await;
    }

    async fn attribute(&self, name: &str) -> String {
        let arguments = json!({ "AttributeNames": [name] });
        let answer = self.must("GetQueueAttributes", arguments).await;
        answer["Attributes"][name].as_str().unwrap().to_owned()
    }

    async fn inside(&self) -> Value {
        let url = format!("{}/_fauxqs/queues/{}", self.endpoint, self.name);
        let answer = self.client.get(url).send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()["messages"].take()
    }

    async fn must(&self, action: &str, arguments: Value) -> Value {
        let answer = self.call(action, arguments).await;
        answer.unwrap_or_else(|error| panic!("{action} at {}: {error:?}", self.url()))
    }
}
