//! Drills for whoever is on call: a fault fires its alert in a real Prometheus, by the rules as they are shipped, and no
//! other one, Sentry hears of it as one issue, and both end when the fault does.

mod rules;
mod servers;
mod sources;
mod streams;

use std::collections::BTreeSet;
use std::time::Instant;

use hookwire_tests::{Prometheus, Relay, Sentry};
use serde_json::Value;

use rules::Rules;

/// Relays that are watched, and which alerts there have to have been.
struct Drill {
    prometheus: Prometheus,
    sentry: Sentry,
    began: Instant,
    due: BTreeSet<String>,
    /// Events that Sentry had heard of when the last fault was over.
    heard: usize,
}

impl Drill {
    /// Watches these from now on, and sees nothing wrong.
    async fn start(relays: &[&Relay], rules: Rules, sentry: Sentry) -> Self {
        let addresses: Vec<_> = relays.iter().map(|relay| relay.address()).collect();
        let prometheus = Prometheus::start(&addresses, &rules.text()).await;
        // As long as the longest stretch that a rule looks back at, or it would not know what is usual.
        prometheus.has_seen("min_over_time(sum(up)[20s:1s])", relays.len()).await;
        prometheus.is_quiet().await;
        assert_eq!(sentry.events(), Vec::<Value>::new(), "nothing is wrong yet");
        // Until it had scraped anything there was no relay for it.
        let began = Instant::now();
        Self { prometheus, sentry, began, due: BTreeSet::new(), heard: 0 }
    }

    /// Waits until exactly these alerts fire.
    async fn fires(&mut self, alerts: &[&str]) {
        self.prometheus.fires(alerts).await;
        self.due.extend(alerts.iter().map(|&alert| alert.to_owned()));
    }

    /// Waits until nothing is wrong any more; until then no other alert fired, and Sentry heard of nothing but these incidents,
    /// and of the end of each.
    async fn is_over(&mut self, incidents: &[&str]) {
        self.prometheus.is_quiet().await;
        assert_eq!(
            self.prometheus.fired(self.began).await,
            self.due,
            "only what was due has fired"
        );
        let heard = self.heard;
        let told = |sentry: &Sentry| {
            let events = sentry.events().split_off(heard);
            incidents.iter().all(|incident| has_ended(&events, incident))
        };
        self.sentry.until("everything has ended", told).await;
        let events = self.sentry.events().split_off(heard);
        let kinds: BTreeSet<_> = events.iter().map(kind).collect();
        assert_eq!(kinds, incidents.iter().copied().collect(), "{events:#?}");
        self.heard += events.len();
    }
}

fn kind(event: &Value) -> &str {
    event["fingerprint"][0].as_str().expect("each has a fingerprint")
}

/// Whether whoever told of this incident has told of its end. What is buried stays so, and of what cannot be read the end is
/// told by something good that comes long after.
fn has_ended(events: &[Value], incident: &str) -> bool {
    let of_it = || events.iter().filter(|event| kind(event) == incident);
    let count = |state: &str| of_it().filter(|event| event["tags"]["state"] == state).count();
    let (began, ended) = (count("broken"), count("over"));
    match incident {
        "dead-letters" | "quarantine-fills" => began + ended > 0,
        _ => began > 0 && ended == began,
    }
}
