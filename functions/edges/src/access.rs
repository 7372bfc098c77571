use std::sync::Arc;

use hookwire_access::{Access, AccessConfig, Origins};
use hookwire_http::{Bypass, TrustedHops};
use hookwire_state::{EventLimits, Limit, OpenStreams, Quota};

use crate::{AccessSettings, State};

/// How often what may happen.
#[derive(Debug)]
pub struct Limits {
    /// Requests of one client without proof.
    pub clients: Arc<Limit>,
    /// Verified pushes of one source.
    pub sources: Limit,
    /// Events, however they come in.
    pub events: Arc<EventLimits>,
    /// Whoever knows this is not limited.
    pub bypass: Option<Bypass>,
}

/// Sets up who may do what, and how often, for both edges.
///
/// With keys it begins to follow the revocations; whoever comes before they are known waits for them. Needs a runtime.
pub fn open_access(
    settings: AccessSettings,
    origins: Origins,
    trusted_hops: TrustedHops,
    state: &State,
) -> (Arc<Access>, Limits) {
    let AccessSettings { quotas, verifier, sealer, query_tokens, bypass, streams, .. } = settings;
    let streams =
        OpenStreams::new(streams, Arc::clone(&state.streams), Arc::clone(&state.revocations));
    let streams = Arc::new(streams);
    if verifier.is_some() {
        tokio::spawn(Arc::clone(&streams).watch());
    }
    let limit = |scope, quota: Quota| {
        Limit::new(scope, quota, state.limiter.clone()).asking_within(state.limiter_within)
    };
    let clients = Arc::new(limit("client", quotas.client));
    let config = AccessConfig {
        verifier,
        sealer,
        origins,
        query_tokens,
        trusted_hops,
        failures: Arc::clone(&clients),
        users: limit("user", quotas.user),
        bypass: bypass.clone(),
    };
    let events = EventLimits {
        topic: quotas.topic.map(|quota| limit("topic", quota)),
        global: quotas.global.map(|quota| limit("global", quota)),
    };
    let sources = limit("source", quotas.source);
    let limits = Limits { clients, sources, events: Arc::new(events), bypass };
    (Arc::new(Access::new(config, streams, Arc::clone(&state.tickets))), limits)
}
