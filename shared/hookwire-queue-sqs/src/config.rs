use std::time::Duration;

use crate::QueueUrl;

/// How a queue in SQS is used.
///
/// What else the client needs comes from the usual places. Credentials: environment, profile, web identity, container
/// or instance; an emulator on this machine takes any. Region: the URL of the queue, then environment or profile.
/// Endpoint: `AWS_ENDPOINT_URL_SQS` or `AWS_ENDPOINT_URL`, else by region, or the URL's own host where that is none of
/// Amazon's public ones. Set `AWS_EC2_METADATA_DISABLED=true` outside of AWS: without credentials the client would
/// otherwise look for those of an instance, and wait.
#[derive(Debug, Clone)]
pub struct SqsConfig {
    /// The queue.
    pub queue_url: QueueUrl,
    /// Longest time until a send is answered: waiting for its turn, and one retry, included.
    pub send_within: Duration,
    /// Longest time until one attempt at a send is answered.
    pub attempt_within: Duration,
    /// Longest time until a connection stands.
    pub connect_within: Duration,
    /// Longest time until a call that nobody waits for is answered: all but sends, and on top of what a receive waits.
    pub answer_within: Duration,
    /// How long a received message is kept from other receivers; to be longer than its handling takes.
    pub visibility: Duration,
    /// About how long no send is made after five have failed in a row.
    pub open_for: Duration,
}

impl SqsConfig {
    /// Everything but the URL as it is by default.
    #[must_use]
    pub fn new(queue_url: QueueUrl) -> Self {
        Self {
            queue_url,
            send_within: Duration::from_millis(1_200),
            attempt_within: Duration::from_millis(600),
            connect_within: Duration::from_millis(500),
            answer_within: Duration::from_secs(5),
            visibility: Duration::from_secs(30),
            open_for: Duration::from_secs(5),
        }
    }
}
