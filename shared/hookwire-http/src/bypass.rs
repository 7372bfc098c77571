use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

/// A secret in `X-Hookwire-Bypass`, for load tests: whoever sends it is not limited.
#[derive(Clone)]
pub struct Bypass(Arc<Matches>);

const NAME: HeaderName = HeaderName::from_static("x-hookwire-bypass");

type Matches = dyn Fn(&[u8]) -> bool + Send + Sync;

impl Bypass {
    /// A bypass for requests whose header `matches`; the comparison must take constant time.
    pub fn new(matches: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(matches))
    }

    /// Whether a request brings the secret.
    #[must_use]
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        headers.get(NAME).is_some_and(|secret| (self.0)(secret.as_bytes()))
    }
}

impl fmt::Debug for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bypass(…)")
    }
}
