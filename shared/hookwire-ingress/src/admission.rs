use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use bytes::Bytes;
use hookwire_event::Event;
use hookwire_http::{ClientNet, Peer};
use hookwire_state::OverLimit;
use http::request::Parts;
use tokio::runtime::Handle;
use tokio::sync::SemaphorePermit;
use tracing::debug;

use crate::Ingress;
use crate::limit::IngressLimits;
use crate::receive::{read, work};
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
        Proof::Headers => admit_verified(ingress, source, push).await,
        // Nothing is verified yet.
        Proof::Body | Proof::Nothing => Ok(Pace::Now),
    }
}

/// Reads a body in a place for unproven ones, and lets in who signed it, before anything looks into it.
pub(crate) async fn prove_body<'i>(
    ingress: &'i Ingress,
    source: &SourceConfig,
    push: &Parts,
    body: Body,
) -> Result<(Bytes, SemaphorePermit<'i>), Reject> {
    let client = counted_client(ingress, push);
    let over = client.and_then(|client| ingress.limits.peek_client(client).err());
    // Over the limit by others' failures behind the same address, a genuine push still gets through, one after another.
    let place = ingress.unproven_bodies.place(client, over.is_some()).await;
    let _place = place.ok_or_else(|| over.map_or(Reject::Busy, Reject::OverLimit))?;
    let mut unread = Unread { limits: &ingress.limits, client };
    let body = read(ingress, source, &push.headers, body).await?;
    unread.client = None;
    if let Err(error) = source.kind.verify_body(&push.headers, &body, SystemTime::now()) {
        return Err(refuse(ingress, source, push, error).await);
    }
    // Before the other place is free: no body is ever without one.
    Ok((body, work(ingress)?))
}

/// A body that is being read. Dropped before it is there it counts as a failed proof, in a task of its own: who hangs up
/// ends the work on the push wherever it stands.
struct Unread<'i> {
    limits: &'i IngressLimits,
    /// Whom it counts against.
    client: Option<ClientNet>,
}

impl Drop for Unread<'_> {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let clients = Arc::clone(&self.limits.clients);
        runtime.spawn(async move { clients.take(&client.0.to_string()).await.map(drop) });
    }
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
    match counted_client(ingress, push) {
        Some(client) => ingress.limits.client(client).await.map_err(Reject::OverLimit),
        None => Ok(()),
    }
}

/// Lets in a verified push that there is room for in its source.
pub(crate) async fn admit_verified(
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

/// Whom a push counts against; nobody when it bypasses the limits.
fn counted_client(ingress: &Ingress, push: &Parts) -> Option<ClientNet> {
    if ingress.limits.is_bypassed(&push.headers) {
        return None;
    }
    let peer = push.extensions.get::<Peer>()?;
    Some(ClientNet::of(*peer, &push.headers, ingress.trusted_hops))
}
