use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use hookwire_telemetry::{Metric, Values};
use metrics::Key;

/// The labels of one series, in the order of the catalogue.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// What a value becomes that would make too many.
pub(crate) const OTHER: &str = "other";

/// Tenants that are told apart.
const TENANTS: usize = 100;
/// Constants of the code that one label may have.
const CODED: usize = 64;
/// Names out of the settings that one label may have.
const CONFIGURED: usize = 200;

/// What of a key is not as the catalogue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has a label that the metric does not have.
    Label,
    /// A label says what it may not say.
    Value,
    /// There would be too many.
    Many,
}

/// The values that were seen so far of each label of one metric.
#[derive(Debug, Default)]
pub(crate) struct Seen(Vec<HashSet<String>>);

/// The tenants that were seen so far, the same for all metrics.
#[derive(Debug, Default)]
pub(crate) struct Tenants(Mutex<HashSet<String>>);

impl Seen {
    pub(crate) fn of(metric: &Metric) -> Self {
        Self(metric.labels.iter().map(|_| HashSet::new()).collect())
    }

    /// The labels of a key as they may be kept, and what was wrong with it.
    pub(crate) fn bounded(
        &mut self,
        metric: &'static Metric,
        key: &Key,
        tenants: &Tenants,
    ) -> (Labels, Option<Fault>) {
        let known = |name: &str| metric.labels.iter().any(|label| label.name == name);
        let mut fault = key.labels().any(|label| !known(label.key())).then_some(Fault::Label);
        let mut labels = Labels::new();
        for (label, seen) in metric.labels.iter().zip(&mut self.0) {
            let Some(given) = key.labels().find(|given| given.key() == label.name) else {
                continue;
            };
            let value = given.value();
            let refused = match label.values {
                Values::OneOf(values) => (!values.contains(&value)).then_some(Fault::Value),
                Values::Coded => (!admit(seen, value, CODED)).then_some(Fault::Many),
                Values::Configured => (!admit(seen, value, CONFIGURED)).then_some(Fault::Many),
                Values::Tenant => (!tenants.admit(value)).then_some(Fault::Many),
            };
            fault = fault.or(refused);
            let value = if refused.is_some() { OTHER } else { value };
            labels.push((label.name, value.to_owned()));
        }
        (labels, fault)
    }
}

impl Tenants {
    fn admit(&self, tenant: &str) -> bool {
        admit(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), tenant, TENANTS)
    }
}

/// Whether a value is among those that were seen, or is one of the first `most`.
fn admit(seen: &mut HashSet<String>, value: &str, most: usize) -> bool {
    if seen.contains(value) || value == OTHER {
        return true;
    }
    let room = seen.len() < most;
    if room {
        seen.insert(value.to_owned());
    }
    room
}
