use std::sync::Arc;

use hookwire_http::{Bypass, ClientNet};
use hookwire_state::{EventLimits, Limit, OverLimit};
use http::HeaderMap;

/// Who may push how often.
#[derive(Debug)]
pub struct IngressLimits {
    /// Pushes of one client to sources without verification, failed proofs, and bodies that would have held the proof and
    /// did not come.
    pub clients: Arc<Limit>,
    /// Verified pushes of one source. Never of one client: Google's addresses are shared, and a refusal slows the whole
    /// subscription down.
    pub sources: Limit,
    /// Events, however they come in.
    pub events: Arc<EventLimits>,
    /// Whoever knows this is not limited.
    pub bypass: Option<Bypass>,
}

impl IngressLimits {
    pub(crate) fn is_bypassed(&self, headers: &HeaderMap) -> bool {
        self.bypass.as_ref().is_some_and(|bypass| bypass.is_in(headers))
    }

    /// Counts one unproven push of a client.
    pub(crate) async fn client(&self, client: ClientNet) -> Result<(), OverLimit> {
        self.clients.take(&client.0.to_string()).await.map(drop)
    }

    /// Whether a client is over its limit for unproven pushes, without counting one.
    pub(crate) fn peek_client(&self, client: ClientNet) -> Result<(), OverLimit> {
        self.clients.peek(&client.0.to_string())
    }

    /// Counts one verified push of a source.
    pub(crate) async fn source(&self, name: &str) -> Result<(), OverLimit> {
        self.sources.take(name).await.map(drop)
    }
}
