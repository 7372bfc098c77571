use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Is rung when something may follow in a topic: once for a batch of events, by whoever published it.
///
/// For who serves many sessions at once and looks after all of them when it rings. It has to be quick, since the next
/// publish waits for it.
pub trait Bell: fmt::Debug + Send + Sync {
    /// Tells that something may follow.
    fn ring(&self);
}

/// The bells of one topic.
#[derive(Debug, Default)]
pub(crate) struct Bells(Mutex<Vec<Arc<dyn Bell>>>);

impl Bells {
    pub(crate) fn hang(&self, bell: Arc<dyn Bell>) {
        self.lock().push(bell);
    }

    pub(crate) fn take_off(&self, bell: &Arc<dyn Bell>) {
        self.lock().retain(|one| !Arc::ptr_eq(one, bell));
    }

    pub(crate) fn ring(&self) {
        self.lock().iter().for_each(|bell| bell.ring());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<dyn Bell>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
