use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use hookwire_telemetry::Stretch;

use crate::fault::Fault;

/// Tells of a stretch of failures when it begins and when it ends, and of no single one.
///
/// That Redis is away is told by the breaker, as one incident. Here it is one only when Redis answers, and refuses: no breaker
/// opens for that.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Mutex<Failures>);

#[derive(Debug, Default)]
struct Failures {
    stretch: Stretch,
    is_incident: bool,
}

impl Trouble {
    /// Notes how a call went.
    pub(crate) fn note(&self, fault: Option<&Fault>) {
        if let Some(fault) = fault {
            let labels = [("fault", fault.as_str())];
            metrics::counter!("hookwire_redis_faults_total", &labels).increment(1);
        }
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => failures.failed(fault, Instant::now()),
            None => failures.ended(Instant::now()),
        }
    }
}

impl Failures {
    fn failed(&mut self, fault: &Fault, now: Instant) {
        let Some(failures) = self.stretch.again(now) else { return };
        let word = fault.as_str();
        // A single refusal may be about its call alone.
        if matches!(fault, Fault::Refused(_)) && failures > 1 {
            self.is_incident = true;
            tracing::warn!(incident = "redis-unreachable", error = %fault, fault = word, failures, "Redis refuses calls");
        } else {
            tracing::warn!(error = %fault, fault = word, failures, "a call to Redis failed");
        }
    }

    fn ended(&mut self, now: Instant) {
        let is_incident = std::mem::take(&mut self.is_incident);
        let Some(over) = self.stretch.over(now) else { return };
        let (failures, duration_ms) = (over.count, over.duration_ms());
        if is_incident {
            let resolved = true;
            tracing::info!(
                incident = "redis-unreachable",
                resolved,
                failures,
                duration_ms,
                "Redis refuses no calls any more"
            );
        } else {
            tracing::info!(failures, duration_ms, "calls to Redis succeed again");
        }
    }
}
