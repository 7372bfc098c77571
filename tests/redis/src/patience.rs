use std::time::Duration;

use tokio::time::Instant;

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Short enough that a test does not feel it, long enough that a dozen waiting tests leave the cores to Redis.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for something that can only be asked for again and again.
#[derive(Debug)]
pub(crate) struct Patience {
    what: String,
    start: Instant,
}

impl Patience {
    /// `what` completes the sentence "gave up waiting until …".
    pub(crate) fn until(what: impl Into<String>) -> Self {
        Self { what: what.into(), start: Instant::now() }
    }

    /// Pauses before the next look.
    pub(crate) async fn pause(&self) {
        assert!(self.start.elapsed() < PATIENCE, "gave up waiting until {}", self.what);
        tokio::time::sleep(PAUSE).await;
    }
}
