use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use hookwire_queue::Depth;

use crate::calls::Calls;
use crate::fault::Fault;
use crate::trouble::Ask;

/// What SQS tells of a queue.
#[derive(Debug, Default)]
pub(crate) struct Attributes(HashMap<QueueAttributeName, String>);

/// What becomes of messages that were received too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redrive {
    /// Name of the dead-letter queue, which is in the same account and region.
    pub(crate) queue: String,
    pub(crate) max_receives: u64,
}

const WANTED: [QueueAttributeName; 6] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    QueueAttributeName::RedrivePolicy,
    QueueAttributeName::MessageRetentionPeriod,
    QueueAttributeName::MaximumMessageSize,
];

impl Attributes {
    pub(crate) async fn of(calls: &Calls) -> Result<Self, Fault> {
        let ask = calls.client().await.get_queue_attributes().queue_url(calls.url().as_str());
        let ask = ask.set_attribute_names(Some(WANTED.to_vec())).customize();
        let answer = ask.config_override(calls.patient(Duration::ZERO)).send().await;
        Ok(Self(calls.noted(Ask::Attributes, answer)?.attributes.unwrap_or_default()))
    }

    pub(crate) fn depth(&self) -> Depth {
        let count = |name| self.number(&name).unwrap_or_default();
        Depth {
            waiting: count(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
            delayed: count(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
        }
    }

    /// How long a message is kept.
    pub(crate) fn retention(&self) -> Option<Duration> {
        self.number(&QueueAttributeName::MessageRetentionPeriod).map(Duration::from_secs)
    }

    /// Largest message that is taken, in bytes.
    pub(crate) fn message_bytes(&self) -> Option<u64> {
        self.number(&QueueAttributeName::MaximumMessageSize)
    }

    pub(crate) fn redrive(&self) -> Option<Redrive> {
        Redrive::parse(self.0.get(&QueueAttributeName::RedrivePolicy)?)
    }

    fn number(&self, name: &QueueAttributeName) -> Option<u64> {
        self.0.get(name)?.parse().ok()
    }
}

impl Redrive {
    /// As in `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:hooks-dead","maxReceiveCount":1000}`; the number
    /// may be a text.
    fn parse(policy: &str) -> Option<Self> {
        let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
        let (_, queue) = policy.get("deadLetterTargetArn")?.as_str()?.rsplit_once(':')?;
        let receives = policy.get("maxReceiveCount")?;
        let max_receives = receives.as_u64().or_else(|| receives.as_str()?.parse().ok())?;
        Some(Self { queue: queue.to_owned(), max_receives })
    }
}

impl FromIterator<(QueueAttributeName, String)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (QueueAttributeName, String)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_is_read_with_its_number_as_text_or_not() {
        for number in ["1000", "\"1000\""] {
            let policy = format!(
                r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":{number}}}"#
            );
            let redrive = Redrive { queue: "dead".into(), max_receives: 1_000 };
            assert_eq!(Redrive::parse(&policy), Some(redrive));
        }
        assert_eq!(Redrive::parse("{}"), None);
        assert_eq!(Redrive::parse(""), None);
    }
}
