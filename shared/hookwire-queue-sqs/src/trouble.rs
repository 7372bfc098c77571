use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
#[derive(Debug)]
pub(crate) struct Trouble {
    queue: String,
    stretches: [Mutex<Stretch>; 5],
}

/// Failures without a success between them.
#[derive(Debug, Default)]
struct Stretch {
    began: Option<Instant>,
    failures: u64,
    /// Whether the last line was about one that lasts, and when it was written.
    told: Option<(bool, Instant)>,
    told_times: u32,
}

/// Pause between two lines about the same, doubled by each: also between two stretches, since a queue that fails every
/// other call is in trouble throughout.
const TOLD_EVERY: Duration = Duration::from_secs(10);

impl Trouble {
    pub(crate) fn of(queue: &str) -> Self {
        Self { queue: queue.to_owned(), stretches: Default::default() }
    }

    /// Notes how a call went.
    pub(crate) fn note(&self, ask: Ask, fault: Option<&Fault>) {
        let mut stretch = self.stretch(ask);
        match fault {
            Some(fault) => {
                self.count(ask, fault);
                if stretch.failed(fault.is_lasting()) {
                    self.tell(ask, fault, stretch.failures);
                }
            }
            None => {
                if let Some((failures, lasted)) = stretch.ended() {
                    let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
                    tracing::info!(
                        queue = self.queue,
                        r#do = ask.as_str(),
                        failures,
                        duration_ms,
                        "calls to SQS succeed again"
                    );
                }
            }
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
            tracing::error!(error = %fault, fault = word, queue, r#do = ask, failures, "SQS cannot be used");
        } else {
            tracing::warn!(error = %fault, fault = word, queue, r#do = ask, failures, "a call to SQS failed");
        }
    }

    fn stretch(&self, ask: Ask) -> MutexGuard<'_, Stretch> {
        let [send, receive, delete, postpone, attributes] = &self.stretches;
        let stretch = match ask {
            Ask::Send => send,
            Ask::Receive => receive,
            Ask::Delete => delete,
            Ask::Postpone => postpone,
            Ask::Attributes => attributes,
        };
        stretch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stretch {
    /// Takes a failure in; whether it is to be told.
    fn failed(&mut self, lasting: bool) -> bool {
        let now = Instant::now();
        self.began.get_or_insert(now);
        self.failures += 1;
        let pause = TOLD_EVERY * (1 << self.told_times.min(8));
        let is_known = self.told.is_some_and(|(told, at)| told == lasting && now - at <= pause);
        if !is_known {
            self.told = Some((lasting, now));
            self.told_times += 1;
        }
        !is_known
    }

    /// Takes a success in; what ended with it, if it is worth a line.
    fn ended(&mut self) -> Option<(u64, Duration)> {
        let lasted = self.began?.elapsed();
        let failures = self.failures;
        *self = Self { told: self.told, ..Self::default() };
        (lasted > Duration::from_secs(1)).then_some((failures, lasted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_once_and_one_that_lasts_at_once() {
        let mut stretch = Stretch::default();
        let told = [false, false, true, true].map(|lasting| stretch.failed(lasting));
        assert_eq!(told, [true, false, true, false]);
        assert!(stretch.ended().is_none(), "it was short");
        assert!(!stretch.failed(true), "so soon again");
    }
}
