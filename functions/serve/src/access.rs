use std::sync::Arc;
use std::time::Duration;

use hookwire_access::{Access, AccessConfig, Origins};
use hookwire_http::TrustedHops;
use hookwire_ingress::IngressLimits;
use hookwire_settings::AccessSettings;
use hookwire_state::{EventLimits, Limit, Mark, OpenStreams, Quota};

use tracing::warn;

use crate::state::State;

/// Longest wait for the revocations at the start.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(2);

/// Sets up who may do what, and how often, for both edges.
///
/// With keys it waits until all revocations are known, so that nobody comes in who must not, but not for ever: what keeps
/// them may be away.
pub(crate) async fn open(
    settings: AccessSettings,
    origins: Origins,
    trusted_hops: TrustedHops,
    state: &State,
) -> (Arc<Access>, IngressLimits) {
    let AccessSettings { quotas, verifier, sealer, query_tokens, bypass, streams, .. } = settings;
    let streams =
        OpenStreams::new(streams, Arc::clone(&state.streams), Arc::clone(&state.revocations));
    let streams = Arc::new(streams);
    if verifier.is_some() {
        let mut mark = Mark::default();
        let known = tokio::time::timeout(CATCH_UP_WITHIN, streams.catch_up(&mut mark)).await;
        if !matches!(known, Ok(Ok(()))) {
            warn!("the revocations are not known yet; until then revoked tokens are taken");
        }
        tokio::spawn(Arc::clone(&streams).watch(mark));
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
    let limits = IngressLimits { clients, sources, events: Arc::new(events), bypass };
    (Arc::new(Access::new(config, streams, Arc::clone(&state.tickets))), limits)
}
