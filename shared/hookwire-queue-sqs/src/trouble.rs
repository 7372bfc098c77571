use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hookwire_telemetry::{Over, Stretch};

use crate::fault::Fault;

/// What is asked of SQS. Each may be allowed or denied by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Send,
    Receive,
    Delete,
    Postpone,
    Attributes,
}

impl Ask {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Delete => "delete",
            Self::Postpone => "postpone",
            Self::Attributes => "attributes",
        }
    }
}

/// Tells when calls of a kind begin to fail, when they turn out to need somebody, and when they succeed again. A line for
/// each would hide the first.
///
/// That SQS is away is told by the breaker, as one incident. Here it is one only when SQS answers, and what it says stays until
/// somebody changes something.
#[derive(Debug)]
pub(crate) struct Trouble {
    queue: String,
    failures: [Mutex<Failures>; 5],
}

/// Failures without a success between them.
#[derive(Debug, Default)]
struct Failures {
    stretch: Stretch,
    /// What needs somebody is told at once, whatever was told before.
    lasting: Stretch,
}

impl Trouble {
    pub(crate) fn of(queue: &str) -> Self {
        Self { queue: queue.to_owned(), failures: Default::default() }
    }

    /// Notes how a call went.
    pub(crate) fn note(&self, ask: Ask, fault: Option<&Fault>) {
        let (mut failures, now) = (self.failures(ask), Instant::now());
        match fault {
            Some(fault) => {
                self.count(ask, fault);
                if let Some(failures) = failures.failed(fault.is_lasting(), now) {
                    self.tell(ask, fault, failures);
                }
            }
            None => self.tell_end(ask, failures.ended(now)),
        }
    }

    /// Counts a failure, as also those of calls that were not made.
    pub(crate) fn count(&self, ask: Ask, fault: &Fault) {
        let labels = [
            ("queue", self.queue.clone()),
            ("do", ask.as_str().to_owned()),
            ("fault", fault.as_str().to_owned()),
        ];
        metrics::counter!("hookwire_queue_faults_total", &labels).increment(1);
    }

    fn tell(&self, ask: Ask, fault: &Fault, failures: u64) {
        let queue = &self.queue;
        let (ask, word) = (ask.as_str(), fault.as_str());
        if fault.is_lasting() {
            tracing::error!(
                incident = "queue-unreachable",
                error = %fault,
                fault = word,
                queue,
                r#do = ask,
                failures,
                "SQS cannot be used"
            );
        } else {
            tracing::warn!(error = %fault, fault = word, queue, r#do = ask, failures, "a call to SQS failed");
        }
    }

    fn tell_end(&self, ask: Ask, [passing, lasting]: [Option<Over>; 2]) {
        let (queue, ask) = (&self.queue, ask.as_str());
        if let Some(over) = lasting {
            tracing::info!(
                incident = "queue-unreachable",
                resolved = true,
                queue,
                r#do = ask,
                failures = over.count,
                duration_ms = over.duration_ms(),
                "SQS can be used again"
            );
        } else if let Some(over) = passing {
            let (failures, duration_ms) = (over.count, over.duration_ms());
            tracing::info!(queue, r#do = ask, failures, duration_ms, "calls to SQS succeed again");
        }
    }

    fn failures(&self, ask: Ask) -> MutexGuard<'_, Failures> {
        let [send, receive, delete, postpone, attributes] = &self.failures;
        let failures = match ask {
            Ask::Send => send,
            Ask::Receive => receive,
            Ask::Delete => delete,
            Ask::Postpone => postpone,
            Ask::Attributes => attributes,
        };
        failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failures {
    /// Takes a failure in. If it is to be told: how many there were of its kind.
    fn failed(&mut self, lasting: bool, now: Instant) -> Option<u64> {
        match lasting {
            true => self.lasting.again(now),
            false => self.stretch.again(now),
        }
    }

    /// Takes a success in; what ended with it, if it is worth a line.
    fn ended(&mut self, now: Instant) -> [Option<Over>; 2] {
        [self.stretch.over(now), self.lasting.over_however_short(now)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_once_and_one_that_lasts_at_once() {
        let (mut failures, now) = (Failures::default(), Instant::now());
        let told = [false, false, true, true].map(|lasting| failures.failed(lasting, now));
        assert_eq!(told, [Some(1), None, Some(1), None]);
        let over = Over { count: 2, lasted: std::time::Duration::ZERO };
        assert_eq!(
            failures.ended(now),
            [None, Some(over)],
            "what needed somebody has an end that is told"
        );
        assert_eq!(failures.failed(true, now), None, "so soon again");
    }
}
