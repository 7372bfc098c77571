use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName};
use hookwire_queue::Message;

use crate::calls::Calls;
use crate::fault::Fault;
use crate::seconds;
use crate::trouble::Ask;

/// Name of the attribute that says why a message was buried.
pub(crate) const REASON: &str = "reason";
/// Most messages of one answer.
const AT_ONCE: i32 = 10;
/// Longest time that SQS waits for a message.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
const WAIT: Duration = Duration::from_secs(20);

/// Receives some messages, or none after `wait`.
pub(crate) async fn receive(calls: &Calls, wait: Duration) -> Result<Vec<Message>, Fault> {
    let wait = wait.min(WAIT);
    let receive = calls
        .client()
        .await
        .receive_message()
        .queue_url(calls.url().as_str())
        .max_number_of_messages(AT_ONCE)
        .wait_time_seconds(seconds(wait))
        .visibility_timeout(seconds(calls.config().visibility))
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
        .message_attribute_names(REASON);
    let answer = receive.customize().config_override(calls.patient(wait)).send().await;
    let answer = calls.noted(Ask::Receive, answer)?;
    let messages = answer.messages.unwrap_or_default();
    let messages: Vec<_> = messages.into_iter().filter_map(read).collect();
    calls.count("received", messages.len());
    Ok(messages)
}

/// Without a receipt nothing could be done with it.
fn read(message: aws_sdk_sqs::types::Message) -> Option<Message> {
    let attribute = |name| message.attributes.as_ref().and_then(|attributes| attributes.get(&name));
    let number = |name| attribute(name).and_then(|text| text.parse().ok());
    let receives = number(MessageSystemAttributeName::ApproximateReceiveCount).unwrap_or(1);
    let sent_at_ms = number(MessageSystemAttributeName::SentTimestamp).unwrap_or_default();
    Some(Message {
        receives: u32::try_from(receives).unwrap_or(u32::MAX),
        sent_at_ms,
        reason: message.message_attributes.and_then(reason),
        receipt: message.receipt_handle?,
        body: message.body.unwrap_or_default(),
    })
}

fn reason(mut attributes: HashMap<String, MessageAttributeValue>) -> Option<String> {
    attributes.remove(REASON)?.string_value
}
