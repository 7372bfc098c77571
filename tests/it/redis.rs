//! Several relays over one Redis, and what Redis may do to them: a real server each time, killed, paused, filled, replaced.

mod cluster;
mod failover;
mod faults;
mod many;
mod reached;

use std::sync::Arc;

use hookwire_tests::{Relay, RelayOptions};

/// Two relays over one log.
async fn two_relays(url: &str) -> [Arc<Relay>; 2] {
    start_two(RelayOptions::default().log(url)).await
}

/// Two relays that take a busy machine for no fault.
async fn two_patient_relays(url: &str) -> [Arc<Relay>; 2] {
    start_two(RelayOptions::default().log(url).set("REDIS_TIMEOUT", "5s")).await
}

pub(crate) async fn start_two(options: RelayOptions) -> [Arc<Relay>; 2] {
    let options = || options.clone().set("RING_EVENTS", 16);
    let (one, two) = tokio::join!(options().start(), options().start());
    [Arc::new(one), Arc::new(two)]
}
