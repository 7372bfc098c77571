//! Drills for whoever is on call: a fault fires its alert in a real Prometheus, by the rules as they are shipped, and no
//! other one, and the alert ends when the fault does.

mod rules;
mod servers;
mod sources;
mod streams;

use std::collections::BTreeSet;
use std::time::Instant;

use hookwire_tests::{Prometheus, Relay};

use rules::Rules;

/// Relays that are watched, and which alerts there have to have been.
struct Drill {
    prometheus: Prometheus,
    began: Instant,
    due: BTreeSet<String>,
}

impl Drill {
    /// Watches these from now on, and sees nothing wrong.
    async fn start(relays: &[&Relay], rules: Rules) -> Self {
        let addresses: Vec<_> = relays.iter().map(|relay| relay.address()).collect();
        let prometheus = Prometheus::start(&addresses, &rules.text()).await;
        // As long as the longest stretch that a rule looks back at, or it would not know what is usual.
        prometheus.has_seen("min_over_time(sum(up)[20s:1s])", relays.len()).await;
        prometheus.is_quiet().await;
        // Until it had scraped anything there was no relay for it.
        Self { prometheus, began: Instant::now(), due: BTreeSet::new() }
    }

    /// Waits until exactly these alerts fire.
    async fn fires(&mut self, alerts: &[&str]) {
        self.prometheus.fires(alerts).await;
        self.due.extend(alerts.iter().map(|&alert| alert.to_owned()));
    }

    /// Waits until nothing is wrong any more; until then nothing else was, either.
    async fn is_over(&self) {
        self.prometheus.is_quiet().await;
        assert_eq!(
            self.prometheus.fired(self.began).await,
            self.due,
            "only what was due has ever fired"
        );
    }
}
