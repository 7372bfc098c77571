use std::sync::OnceLock;

use hookwire_event::Tenant;
use metrics::Counter;

/// Counts what was published.
pub(crate) struct Published {
    /// Outside of tenants, by outcome; looked up once, when the first one is counted.
    counters: [(&'static str, OnceLock<Counter>); 3],
}

impl Published {
    pub(crate) fn new() -> Self {
        Self { counters: ["appended", "duplicate", "queued"].map(|word| (word, OnceLock::new())) }
    }

    pub(crate) fn count(&self, outcome: &'static str, tenant: Option<&Tenant>) {
        if let Some(tenant) = tenant {
            let labels = [("outcome", outcome.to_owned()), ("tenant", tenant.as_str().to_owned())];
            return metrics::counter!("hookwire_published_total", &labels).increment(1);
        }
        if let Some((_, counter)) = self.counters.iter().find(|(word, _)| *word == outcome) {
            let look_up = || metrics::counter!("hookwire_published_total", "outcome" => outcome);
            counter.get_or_init(look_up).increment(1);
        }
    }
}

impl std::fmt::Debug for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Published")
    }
}
