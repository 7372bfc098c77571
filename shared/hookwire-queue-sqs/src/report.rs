use std::fmt;
use std::time::Duration;

use hookwire_queue::Depth;

use crate::attributes::{Attributes, Redrive};
use crate::send::BYTES;

/// How a queue stands, and what on-call should change about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name of the queue.
    pub queue: String,
    /// How many messages it holds.
    pub depth: Depth,
    /// The queue for messages that were given up, if it has one.
    pub dead_letters: Option<DeadLetters>,
    /// What puts events at risk, each with what to do.
    pub warnings: Vec<String>,
}

/// How a dead-letter queue stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// Name of the queue.
    pub queue: String,
    /// How many messages it holds; none if it cannot be asked.
    pub messages: Option<u64>,
}

/// Receives that outlast a long outage of the log, during which a function receives a message again every
/// five minutes.
const RECEIVES: u64 = 100;
/// A message that is kept no longer is lost when nobody looks at the queue over a night.
const RETENTION: Duration = Duration::from_hours(24);
/// Longest that SQS keeps a message.
const LONGEST_RETENTION: Duration = Duration::from_hours(14 * 24);
const KEEP_LONGEST: &str = "set its MessageRetentionPeriod to 1209600 (14 days)";

impl Report {
    /// What the attributes of a queue, and those of its dead-letter queue, say together.
    pub(crate) fn read(
        queue: &str,
        attributes: &Attributes,
        dead: Option<(Redrive, Result<Attributes, impl fmt::Display>)>,
    ) -> Self {
        let mut warnings = Vec::new();
        if let Some(bytes) = attributes.message_bytes().filter(|bytes| *bytes < BYTES as u64) {
            warnings.push(format!(
                "it takes messages of at most {bytes} bytes, and larger events are not taken; set MaximumMessageSize to {BYTES}"
            ));
        }
        if let Some(kept) = attributes.retention().filter(|kept| *kept < RETENTION) {
            let hours = hours(kept);
            warnings.push(format!("it drops messages after {hours} hours; {KEEP_LONGEST}"));
        }
        let dead_letters = match dead {
            None => {
                let advice = "it has no dead-letter queue, so what can never be handled stays until it is dropped with age; \
                              set a RedrivePolicy with maxReceiveCount 1000";
                warnings.push(advice.into());
                None
            }
            Some((redrive, dead)) => {
                Some(DeadLetters::read(redrive, dead, attributes.retention(), &mut warnings))
            }
        };
        Self { queue: queue.to_owned(), depth: attributes.depth(), dead_letters, warnings }
    }
}

impl DeadLetters {
    fn read(
        Redrive { queue, max_receives }: Redrive,
        dead: Result<Attributes, impl fmt::Display>,
        kept_before: Option<Duration>,
        warnings: &mut Vec<String>,
    ) -> Self {
        if max_receives < RECEIVES {
            warnings.push(format!(
                "maxReceiveCount is {max_receives}, and an outage of the log would use the receives up; set it to 1000"
            ));
        }
        let messages = match dead {
            Ok(dead) => {
                // A message keeps its age when SQS moves it.
                let short = dead.retention().filter(|kept| *kept < LONGEST_RETENTION);
                if let Some(kept) = short.filter(|kept| Some(*kept) <= kept_before) {
                    let hours = hours(kept);
                    warnings.push(format!(
                        "{queue} drops messages after {hours} hours, those in the queue before included; {KEEP_LONGEST}"
                    ));
                }
                let Depth { waiting, in_flight, delayed } = dead.depth();
                Some(waiting + in_flight + delayed)
            }
            Err(error) => {
                warnings.push(format!("{queue} cannot be asked: {error}"));
                None
            }
        };
        Self { queue, messages }
    }
}

fn hours(duration: Duration) -> u64 {
    duration.as_secs() / 3_600
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Depth { waiting, in_flight, delayed } = self.depth;
        write!(
            f,
            "queue {}: {waiting} waiting, {in_flight} in flight, {delayed} delayed",
            self.queue
        )?;
        match &self.dead_letters {
            None => Ok(()),
            Some(DeadLetters { queue, messages: None }) => write!(f, "; dead letters: in {queue}"),
            Some(DeadLetters { queue, messages: Some(messages) }) => {
                write!(f, "; dead letters: {messages} in {queue}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::QueueAttributeName;

    use super::*;

    fn attributes(retention_s: u64, bytes: usize) -> Attributes {
        let attributes = [
            (QueueAttributeName::ApproximateNumberOfMessages, 12),
            (QueueAttributeName::ApproximateNumberOfMessagesNotVisible, 3),
            (QueueAttributeName::ApproximateNumberOfMessagesDelayed, 4),
            (QueueAttributeName::MessageRetentionPeriod, retention_s),
            (QueueAttributeName::MaximumMessageSize, bytes as u64),
        ];
        attributes.map(|(name, number)| (name, number.to_string())).into_iter().collect()
    }

    type Dead = Option<(Redrive, Result<Attributes, String>)>;

    fn dead(max_receives: u64, retention_s: u64) -> Dead {
        Some((redrive(max_receives), Ok(attributes(retention_s, BYTES))))
    }

    fn redrive(max_receives: u64) -> Redrive {
        Redrive { queue: "hooks-dead".into(), max_receives }
    }

    const DAY: u64 = 86_400;

    #[test]
    fn a_queue_without_fault_gets_no_warning() {
        for days in [4, 14] {
            let report =
                Report::read("hooks", &attributes(days * DAY, BYTES), dead(1_000, 14 * DAY));
            assert_eq!(report.warnings, Vec::<String>::new());
            let shown =
                "queue hooks: 12 waiting, 3 in flight, 4 delayed; dead letters: 19 in hooks-dead";
            assert_eq!(report.to_string(), shown);
        }
    }

    #[test]
    fn each_risk_is_told_with_what_to_do() {
        let denied: Dead = Some((redrive(1_000), Err("denied".into())));
        for (kept_s, bytes, dead, todo) in [
            (4 * DAY, BYTES, None, "set a RedrivePolicy with maxReceiveCount 1000"),
            (4 * DAY, BYTES, dead(5, 14 * DAY), "maxReceiveCount is 5, and an outage"),
            (DAY / 2, BYTES, dead(1_000, 14 * DAY), "it drops messages after 12 hours; set its"),
            (4 * DAY, 262_144, dead(1_000, 14 * DAY), "set MaximumMessageSize to 1048576"),
            (4 * DAY, BYTES, dead(1_000, 4 * DAY), "hooks-dead drops messages after 96 hours"),
            (4 * DAY, BYTES, denied, "hooks-dead cannot be asked: denied"),
        ] {
            let told = Report::read("hooks", &attributes(kept_s, bytes), dead).warnings;
            assert!(told.len() == 1 && told[0].contains(todo), "{todo}: {told:?}");
        }
    }
}
