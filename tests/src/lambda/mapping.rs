use std::sync::Arc;
use std::time::Duration;

use hookwire_sqs_server::{Queue, REGION};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::function::Function;
use super::invocation::Invocation;

/// What calls a function with batches of a queue's messages, and deletes those that it does not report as failed.
///
/// It ends when this is dropped. What it had received then is visible again after its visibility timeout.
#[derive(Debug)]
pub struct EventSourceMapping {
    _pollers: JoinSet<()>,
}

/// Long polls at a time. Lambda begins with five.
const POLLERS: usize = 2;
/// Between two tries while SQS does not answer or the function has no environment to spare.
const PAUSE: Duration = Duration::from_millis(200);

impl EventSourceMapping {
    /// Starts to poll.
    #[must_use]
    pub fn start(queue: &Queue, function: &Arc<Function>) -> Self {
        let mut pollers = JoinSet::new();
        for _ in 0..POLLERS {
            let (queue, function) = (queue.clone(), Arc::clone(function));
            pollers.spawn(async move {
                loop {
                    if poll(&queue, &function).await.is_none() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            });
        }
        Self { _pollers: pollers }
    }
}

/// Receives one batch and sees it through; nothing when a step of that failed.
async fn poll(queue: &Queue, function: &Function) -> Option<()> {
    let wanted = json!({
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 1,
        "MessageAttributeNames": ["All"],
        "MessageSystemAttributeNames": ["All"],
    });
    let received = queue.call("ReceiveMessage", wanted).await.ok()?;
    let Some(messages) = received["Messages"].as_array() else { return Some(()) };
    let records: Vec<Value> = messages.iter().map(record).collect();
    let reply = function.invoke(Invocation::of(json!({ "Records": records }))).await.ok()?;
    // A function that failed has taken none of them.
    let answer = reply.buffered().ok()?;
    let failures = answer["batchItemFailures"].as_array();
    let failed: Vec<&Value> =
        failures.into_iter().flatten().map(|failure| &failure["itemIdentifier"]).collect();
    for message in messages.iter().filter(|message| !failed.contains(&&message["MessageId"])) {
        let handle = json!({ "ReceiptHandle": message["ReceiptHandle"] });
        queue.call("DeleteMessage", handle).await.ok()?;
    }
    Some(())
}

/// A message as the function gets it.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
fn record(message: &Value) -> Value {
    json!({
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{REGION}:000000000000:hookwire"),
        "awsRegion": REGION,
    })
}
