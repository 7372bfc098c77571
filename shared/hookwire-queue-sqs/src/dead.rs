use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::MessageAttributeValue;
use tokio::sync::OnceCell;

use crate::attributes::Attributes;
use crate::calls::Calls;
use crate::fault::Fault;
use crate::receive::REASON;
use crate::send::BYTES;
use crate::trouble::Ask;

/// The queue in which those messages end that a human must look at, once it is known.
#[derive(Debug, Default)]
pub(crate) struct Grave(OnceCell<Arc<Calls>>);

/// Longest reason.
const REASON_CHARACTERS: usize = 256;
const TYPE: &str = "String";

impl Grave {
    /// Calls about the dead-letter queue of `calls`' queue, if it has one: then it is asked once.
    pub(crate) async fn of(&self, calls: &Calls) -> Result<Option<&Arc<Calls>>, Fault> {
        if let Some(known) = self.0.get() {
            return Ok(Some(known));
        }
        let Some(redrive) = Attributes::of(calls).await?.redrive() else { return Ok(None) };
        let init = async || Arc::new(calls.beside(&redrive.queue));
        Ok(Some(self.0.get_or_init(init).await))
    }
}

/// Sends a message with the reason for which it was given up.
pub(crate) async fn put(calls: &Calls, body: &str, reason: &str) -> Result<(), Fault> {
    let put = calls.client().await.send_message();
    let put = put.queue_url(calls.url().as_str()).message_body(body);
    let reason = told(reason, body.len());
    let put = if reason.is_empty() {
        put
    } else {
        let reason = MessageAttributeValue::builder().data_type(TYPE).string_value(reason);
        put.message_attributes(REASON, reason.build()?)
    };
    let put = put.customize().config_override(calls.patient(Duration::ZERO));
    calls.noted(Ask::Send, put.send().await).map(drop)
}

/// As much of a reason as SQS takes: characters that XML allows, and what a message has room for beside its body.
fn told(reason: &str, body_bytes: usize) -> String {
    let room = BYTES.saturating_sub(body_bytes + REASON.len() + TYPE.len());
    let legible = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    reason.chars().map(legible).take(REASON_CHARACTERS.min(room)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_legible_and_has_room_beside_the_body() {
        assert_eq!(told("bad base64: é\u{0}\n", 10), "bad base64: ???");
        assert_eq!(told(&"a".repeat(1_000), 10).len(), REASON_CHARACTERS);
        assert_eq!(told("abc", BYTES - REASON.len() - TYPE.len() - 2), "ab");
        assert_eq!(told("abc", BYTES), "");
    }
}
