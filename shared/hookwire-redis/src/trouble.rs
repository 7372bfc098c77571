use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Fault;

/// Tells of a stretch of failures when it begins and when it ends, and of no single one: a thousand identical lines
/// would hide the first.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Stretch>);

#[derive(Debug, Default)]
struct Stretch {
    began: Option<Instant>,
    failures: u64,
    told_at: Option<Instant>,
    told_times: u32,
}

impl Trouble {
    /// Pause between two lines, doubled by each: also between two stretches, since a server that fails every other call is
    /// in trouble throughout.
    const TOLD_EVERY: Duration = Duration::from_secs(10);

    /// Notes how a call went.
    pub(crate) fn note(&self, fault: Option<&Fault>) {
        if let Some(fault) = fault {
            let labels = [("fault", fault.as_str())];
            metrics::counter!("hookwire_redis_faults_total", &labels).increment(1);
        }
        let mut stretch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => stretch.failed(fault),
            None => stretch.ended(),
        }
    }
}

impl Stretch {
    fn failed(&mut self, fault: &Fault) {
        let now = Instant::now();
        self.began.get_or_insert(now);
        self.failures += 1;
        let pause = Trouble::TOLD_EVERY * (1 << self.told_times.min(8));
        if self.told_at.is_none_or(|told| now - told > pause) {
            self.told_at = Some(now);
            self.told_times += 1;
            tracing::warn!(error = %fault, fault = fault.as_str(), failures = self.failures, "a call to Redis failed");
        }
    }

    fn ended(&mut self) {
        // As nearly always, there was none.
        let Some(began) = self.began else { return };
        let lasted = began.elapsed();
        // A single failure between two successes is not worth a second line.
        if lasted > Duration::from_secs(1) {
            let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(failures = self.failures, duration_ms, "calls to Redis succeed again");
        }
        *self = Self { told_at: self.told_at, ..Self::default() };
    }
}
