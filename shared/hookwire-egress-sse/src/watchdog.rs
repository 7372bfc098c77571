use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use hookwire_http::{Connection, Stalled};
use tokio::time::Instant;

/// When a stream's body was last asked for bytes.
#[derive(Debug)]
pub(crate) struct Pulse {
    opened: Instant,
    last_ms: AtomicU64,
}

impl Pulse {
    pub(crate) fn beat(&self) {
        self.last_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    fn idle(&self) -> Duration {
        let idle_ms = self.now_ms().saturating_sub(self.last_ms.load(Ordering::Relaxed));
        Duration::from_millis(idle_ms)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Cuts the connection of a stream whose client gives it no window for `slow_after`.
///
/// Over HTTP/2 the socket may flow while one stream stands still, so the socket's deadline does not see it; in a function
/// there is no socket. A healthy stream is asked for bytes at every heartbeat at least.
pub(crate) fn watch_over(
    connection: Connection,
    slow_after: Duration,
    stalled: Stalled,
) -> Arc<Pulse> {
    let pulse = Arc::new(Pulse { opened: Instant::now(), last_ms: AtomicU64::new(0) });
    tokio::spawn(watch(Arc::downgrade(&pulse), connection, slow_after, stalled));
    pulse
}

async fn watch(pulse: Weak<Pulse>, connection: Connection, slow_after: Duration, stalled: Stalled) {
    loop {
        tokio::time::sleep(slow_after / 4).await;
        let Some(pulse) = pulse.upgrade() else { return };
        if pulse.idle() >= slow_after {
            metrics::counter!("hookwire_connections_closed_total", "reason" => "slow").increment(1);
            stalled.note();
            connection.cut();
            return;
        }
    }
}
