use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hookwire_jwks::VerifyingKey;
use sha2::{Digest, Sha256};

/// What was verified of late: a sender uses one token for an hour, and its signature costs more than all the rest of a push.
///
/// Only the signature is kept in mind. Whether the token is still good, and its key still published, has to be asked anew.
pub(crate) struct Proven<T>(Mutex<HashMap<Fingerprint, Arc<Signed<T>>>>);

/// A token's hash, so that no memory holds what somebody could push with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

/// What a key has signed.
pub(crate) struct Signed<T> {
    pub(crate) kid: String,
    /// The very key: one that was fetched anew may be another.
    pub(crate) key: Arc<VerifyingKey>,
    pub(crate) claims: T,
}

impl<T> Proven<T> {
    /// Tokens at once. A source has one or two, and nobody else's are kept.
    const MOST: usize = 256;

    pub(crate) fn get(&self, token: &Fingerprint) -> Option<Arc<Signed<T>>> {
        self.known().get(token).cloned()
    }

    pub(crate) fn keep(&self, token: Fingerprint, signed: Signed<T>) {
        let mut known = self.known();
        // Those that are still used come back with their next push.
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(token, Arc::new(signed));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Fingerprint, Arc<Signed<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Proven<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl Fingerprint {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl<T> fmt::Debug for Proven<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proven").field("tokens", &self.known().len()).finish()
    }
}
