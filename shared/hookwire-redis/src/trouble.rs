use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    away: Stretch,
    refusing: Stretch,
    is_incident: bool,
}

/// A Redis that is full refuses what writes, and answers what reads in between: only so long without a refusal is an end.
const REFUSES_NO_MORE: Duration = Duration::from_secs(30);

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
            None => failures.succeeded(Instant::now()),
        }
    }
}

impl Failures {
    fn failed(&mut self, fault: &Fault, now: Instant) {
        let word = fault.as_str();
        let refuses = matches!(fault, Fault::Refused(_));
        let stretch = if refuses { &mut self.refusing } else { &mut self.away };
        let Some(failures) = stretch.again(now) else { return };
        // A single refusal may be about its call alone.
        if refuses && failures > 1 {
            self.is_incident = true;
            tracing::warn!(incident = "redis-unreachable", error = %fault, fault = word, failures, "Redis refuses calls");
        } else {
            tracing::warn!(error = %fault, fault = word, failures, "a call to Redis failed");
        }
    }

    fn succeeded(&mut self, now: Instant) {
        if let Some(over) = self.away.over(now) {
            let (failures, duration_ms) = (over.count, over.duration_ms());
            tracing::info!(failures, duration_ms, "calls to Redis succeed again");
        }
        let Some(over) = self.refusing.quiet(now, REFUSES_NO_MORE) else { return };
        if std::mem::take(&mut self.is_incident) {
            let (failures, duration_ms) = (over.count, over.duration_ms());
            tracing::info!(
                incident = "redis-unreachable",
                resolved = true,
                failures,
                duration_ms,
                "Redis refuses no calls any more"
            );
        }
    }
}
