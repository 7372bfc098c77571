use std::sync::Weak;
use std::time::Duration;

use crate::Egress;

/// Pause between two looks at where all streams stand.
const EVERY: Duration = Duration::from_secs(5);

/// Tells how far the slowest stream is behind, for as long as streams are served.
pub(crate) async fn watch(egress: Weak<Egress>) {
    let slowest = metrics::gauge!("hookwire_slowest_lag_events");
    loop {
        match egress.upgrade() {
            Some(egress) => slowest.set(egress.hub.slowest_lag() as f64),
            None => return,
        }
        tokio::time::sleep(EVERY).await;
    }
}
