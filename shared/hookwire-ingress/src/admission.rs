use std::time::SystemTime;

use hookwire_event::Event;
use hookwire_http::{ClientNet, Peer};
use hookwire_state::OverLimit;
use http::request::Parts;
use tracing::debug;

use crate::Ingress;
use crate::reject::Reject;
use crate::source::{Proof, SourceConfig};
use crate::unproven::Unproven;

/// How an event that may come in gets to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At once.
    Now,
    /// Through the queue, which holds what is over a limit: a refusal would slow down the whole subscription.
    ByQueue,
}

/// Lets in who may push, before a byte of the body is read.
pub(crate) async fn admit(
    ingress: &Ingress,
    source: &SourceConfig,
    push: &Parts,
) -> Result<Pace, Reject> {
    let proof = source.kind.proof();
    if proof == Proof::Nothing {
        return count_client(ingress, push).await.map(|()| Pace::Now);
    }
    if let Err(error) = source.kind.verify(&push.headers, SystemTime::now()).await {
        return Err(refuse(ingress, source, push, error).await);
    }
    match proof {
        Proof::Headers => count_source(ingress, source, push).await,
        // Nothing is verified yet.
        Proof::Body | Proof::Nothing => Ok(Pace::Now),
    }
}

/// Lets in who signed the body, before anything looks into it.
pub(crate) async fn admit_body(
    ingress: &Ingress,
    source: &SourceConfig,
    push: &Parts,
    body: &[u8],
) -> Result<Pace, Reject> {
    if let Err(error) = source.kind.verify_body(&push.headers, body, SystemTime::now()) {
        return Err(refuse(ingress, source, push, error).await);
    }
    count_source(ingress, source, push).await
}

/// Lets in an event that there is room for, on its topic and in all.
pub(crate) async fn admit_event(
    ingress: &Ingress,
    push: &Parts,
    event: &Event,
    pace: Pace,
) -> Result<Pace, Reject> {
    if pace == Pace::ByQueue || ingress.limits.is_bypassed(&push.headers) {
        return Ok(pace);
    }
    over_limit(ingress, ingress.limits.events.take(event.topic.as_str()).await)
}

/// Only failures count for a client: genuine pushes of many come from one address of a sender. What is the relay's own
/// trouble counts for nobody.
async fn refuse(ingress: &Ingress, source: &SourceConfig, push: &Parts, error: Unproven) -> Reject {
    debug!(source = source.name, %error, "refused a push");
    let refused = Reject::Unverified(error);
    if refused.is_of_relay() {
        return refused;
    }
    count_client(ingress, push).await.err().unwrap_or(refused)
}

async fn count_client(ingress: &Ingress, push: &Parts) -> Result<(), Reject> {
    match client(ingress, push).filter(|_| !ingress.limits.is_bypassed(&push.headers)) {
        Some(client) => ingress.limits.client(client).await.map_err(Reject::OverLimit),
        None => Ok(()),
    }
}

async fn count_source(
    ingress: &Ingress,
    source: &SourceConfig,
    push: &Parts,
) -> Result<Pace, Reject> {
    if ingress.limits.is_bypassed(&push.headers) {
        return Ok(Pace::Now);
    }
    over_limit(ingress, ingress.limits.source(&source.name).await)
}

fn over_limit(ingress: &Ingress, counted: Result<(), OverLimit>) -> Result<Pace, Reject> {
    match counted {
        Ok(()) => Ok(Pace::Now),
        Err(_over) if ingress.intake.has_queue() => Ok(Pace::ByQueue),
        Err(over) => Err(Reject::OverLimit(over)),
    }
}

fn client(ingress: &Ingress, push: &Parts) -> Option<ClientNet> {
    let peer = push.extensions.get::<Peer>()?;
    Some(ClientNet::of(*peer, &push.headers, ingress.trusted_hops))
}
