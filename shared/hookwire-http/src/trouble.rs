use std::time::Duration;

use hookwire_telemetry::Stretch;
use tokio::time::Instant;

/// Tells of a stretch of trouble with new connections: who attacks decides how many connections there are, and must not
/// decide how many lines.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Stretch);

impl Trouble {
    /// A stretch is over when so long nothing happened: a server at its cap serves some and refuses some.
    const OVER_AFTER: Duration = Duration::from_secs(10);

    /// Notes that a connection was not accepted, was refused, or that another made room for it.
    pub(crate) fn note(&mut self, what: &dyn std::fmt::Display) {
        self.quiet();
        if let Some(connections) = self.0.again(Instant::now().into_std()) {
            tracing::warn!(what = %what, connections, "trouble with new connections");
        }
    }

    /// Notes that a connection was taken without any; the stretch may be over.
    pub(crate) fn quiet(&mut self) {
        let Some(over) = self.0.quiet(Instant::now().into_std(), Self::OVER_AFTER) else { return };
        let (connections, duration_ms) = (over.count, over.duration_ms());
        tracing::info!(connections, duration_ms, "no more trouble with new connections");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_at_its_cap_is_in_trouble_until_a_quiet_while() {
        let mut trouble = Trouble::default();
        for _ in 0..1_000 {
            trouble.note(&"refused");
            trouble.quiet();
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert!(trouble.0.is_on());
        tokio::time::advance(Duration::from_secs(11)).await;
        trouble.quiet();
        assert!(!trouble.0.is_on());
    }
}
