//! Reads which queue is beside the log; a crate of its own, so that a function without a queue does not link its client.

use std::time::Duration;

use hookwire_boot::{FromSetting, Settings};
use hookwire_queue_sqs::{QueueUrl, SqsConfig};

/// Reads the queue, if there is one.
pub fn sqs(settings: &Settings) -> Option<SqsConfig> {
    let Address(url) = settings.optional("queue")?;
    // SQS hides no message for longer.
    let visibility = Duration::from_secs(1)..=Duration::from_hours(12);
    let visibility = settings.value_in("queue_visibility", visibility);
    Some(SqsConfig { visibility, ..SqsConfig::new(url) })
}

struct Address(QueueUrl);

impl FromSetting for Address {
    const EXPECTS: &'static str = "`sqs:` and the URL of a standard queue";

    fn from_text(text: &str) -> Result<Self, String> {
        let url = text.strip_prefix("sqs:").ok_or("no such queue")?;
        url.parse()
            .map(Self)
            .map_err(|error: hookwire_queue_sqs::InvalidQueueUrl| error.to_string())
    }
}
