use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::StreamId;

/// Places that could not be given back, by subject.
#[derive(Default)]
pub(super) struct Owed(Mutex<HashMap<String, Vec<OwedPlace>>>);

/// One of them.
pub(super) struct OwedPlace {
    pub(super) stream: StreamId,
    /// When its lease ends and nothing is owed any more.
    pub(super) ends_at: Instant,
}

impl Owed {
    pub(super) fn add(&self, subject: &str, place: OwedPlace) {
        self.lock().entry(subject.to_owned()).or_default().push(place);
    }

    /// Takes those of one subject that still count.
    pub(super) fn take_of(&self, subject: &str) -> Vec<OwedPlace> {
        let mut places = self.lock().remove(subject).unwrap_or_default();
        places.retain(|place| place.ends_at > Instant::now());
        places
    }

    /// Whose places they are.
    pub(super) fn subjects(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<OwedPlace>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owed").finish_non_exhaustive()
    }
}
