use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a peer was given up since it took nothing; in the extensions of its requests, whose answers learn only that they
/// are dropped.
#[derive(Debug, Clone, Default)]
pub struct Stalled(Arc<AtomicBool>);

impl Stalled {
    /// Notes that it is given up for that.
    pub fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    #[must_use]
    pub fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
