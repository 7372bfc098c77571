use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hookwire_event::{Event, EventId};
use hookwire_http::{ClientNet, Peer, is_json, media_type, read_body};
use hookwire_log::{AppendError, Clock, Quarantined};
use hookwire_queue::{Kept, Taken};
use http::HeaderMap;
use http::request::Parts;
use serde_json::json;
use tracing::{debug, warn};

use crate::envelope::PubSubMessage;
use crate::reject::Reject;
use crate::source::SourceConfig;
use crate::unusable::Unusable;
use crate::{Ingress, IngressConfig, sources};

/// Which source a route belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceIndex(pub(crate) usize);

/// What became of a push that was taken.
#[derive(Debug)]
pub(crate) enum Accepted {
    Event(EventId, Taken),
    Unusable { kept: Kept, reason: String },
}

/// `POST /webhooks/{source}`: takes one notification.
pub(crate) async fn post_push(
    State((ingress, SourceIndex(index))): State<(Arc<Ingress>, SourceIndex)>,
    request: Request,
) -> Response {
    let Some(source) = ingress.sources.get(index).map(Arc::clone) else {
        return crate::unknown_source().await.into_response();
    };
    let (parts, body) = request.into_parts();
    let received = receive(&ingress, index, &source, &parts, body);
    let result = tokio::time::timeout(IngressConfig::ANSWER_WITHIN, received).await;
    let result = result.unwrap_or(Err(Reject::TooLate));
    let outcome = result.as_ref().map_or_else(Reject::outcome, Accepted::outcome);
    let labels = [("source", source.name.clone()), ("outcome", outcome.to_owned())];
    metrics::counter!("hookwire_webhooks_total", &labels).increment(1);
    result.into_response()
}

/// Turns one push into one appended event.
async fn receive(
    ingress: &Ingress,
    index: usize,
    source: &SourceConfig,
    push: &Parts,
    body: Body,
) -> Result<Accepted, Reject> {
    admit(ingress, index, source, push).await?;
    let _permit = ingress.at_once.try_acquire().map_err(|_full| Reject::Busy)?;
    let body = read(ingress, source, &push.headers, body).await?;
    let received_at_ms = Clock::system().now_ms();
    match event(source, &push.headers, &body, received_at_ms) {
        Ok(event) => append(ingress, source, &push.headers, body, received_at_ms, event).await,
        Err(unusable) => {
            quarantine(ingress, source, &push.headers, body, received_at_ms, unusable).await
        }
    }
}

/// Reads the notification and makes the event that it means.
pub(crate) fn event(
    source: &SourceConfig,
    headers: &HeaderMap,
    body: &Bytes,
    received_at_ms: u64,
) -> Result<Event, Unusable> {
    sources::event(source, PubSubMessage::read(source, headers, body, received_at_ms)?)
}

/// Lets in who may push, before a byte of the body is read.
async fn admit(
    ingress: &Ingress,
    index: usize,
    source: &SourceConfig,
    push: &Parts,
) -> Result<(), Reject> {
    let limited = !ingress.limits.is_bypassed(&push.headers);
    let count_client = || match client(ingress, push).filter(|_| limited) {
        Some(client) => ingress.limits.client(client).map_err(Reject::ClientOverLimit),
        None => Ok(()),
    };
    match &source.verifier {
        None => count_client()?,
        Some(verifier) => {
            if let Err(error) = verifier.verify(&push.headers, SystemTime::now()).await {
                debug!(source = source.name, %error, "refused a push");
                // Only failures count: genuine pushes of many come from one of Google's addresses.
                count_client()?;
                return Err(Reject::Unverified(error));
            }
            if limited {
                ingress.limits.source(index).map_err(Reject::SourceOverLimit)?;
            }
        }
    }
    Ok(())
}

fn client(ingress: &Ingress, push: &Parts) -> Option<ClientNet> {
    let peer = push.extensions.get::<Peer>()?;
    Some(ClientNet::of(*peer, &push.headers, ingress.trusted_hops))
}

async fn read(
    ingress: &Ingress,
    source: &SourceConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Reject> {
    if source.wrapped && !is_json(&media_type(headers)) {
        return Err(Reject::NoJson);
    }
    let within = Duration::from_secs(4);
    read_body(headers, body, ingress.max_body_bytes, within).await.map_err(Reject::Body)
}

async fn append(
    ingress: &Ingress,
    source: &SourceConfig,
    headers: &HeaderMap,
    body: Bytes,
    received_at_ms: u64,
    event: Event,
) -> Result<Accepted, Reject> {
    let (id, topic_hash) = (event.id.clone(), event.topic.hash());
    match ingress.intake.take(event).await {
        Ok(taken) => {
            let outcome = taken.outcome();
            debug!(event.id = %id, topic.hash = topic_hash, outcome, "took an event");
            Ok(Accepted::Event(id, taken))
        }
        Err(error @ AppendError::TooLarge { .. }) => {
            let unusable = Unusable::because(error.to_string());
            quarantine(ingress, source, headers, body, received_at_ms, unusable).await
        }
        // Log and queue themselves tell of their trouble, once and not per event.
        Err(AppendError::Unavailable(error)) => {
            debug!(source = source.name, error, "could not append an event");
            Err(Reject::NotStored)
        }
        Err(AppendError::Unknown(error)) => {
            debug!(source = source.name, error, "cannot tell whether an event was appended");
            Err(Reject::TooLate)
        }
    }
}

/// Keeps what can never become an event, and acknowledges it: refused, it would return for days and slow the whole
/// subscription down.
async fn quarantine(
    ingress: &Ingress,
    source: &SourceConfig,
    headers: &HeaderMap,
    body: Bytes,
    received_at_ms: u64,
    Unusable(reason): Unusable,
) -> Result<Accepted, Reject> {
    let kept = |name: &http::HeaderName| {
        name == http::header::CONTENT_TYPE || name.as_str().starts_with("x-goog-pubsub-")
    };
    let headers = headers.iter().filter(|(name, _)| kept(name)).filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let notification = Quarantined {
        id: 0,
        source: source.name.clone(),
        reason: reason.clone(),
        received_at_ms,
        headers: headers.collect(),
        body,
    };
    match ingress.intake.keep(notification).await {
        Ok(kept) => {
            let number = match kept {
                Kept::Quarantined(number) => Some(number),
                Kept::Queued => None,
            };
            warn!(
                source = source.name,
                reason,
                quarantine.id = number,
                "quarantined a notification"
            );
            Ok(Accepted::Unusable { kept, reason })
        }
        Err(error) => {
            warn!(source = source.name, error, "could not quarantine a notification");
            Err(Reject::NotStored)
        }
    }
}

impl Accepted {
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Event(_, taken) => taken.outcome(),
            Self::Unusable { .. } => "quarantined",
        }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let outcome = self.outcome();
        Json(match self {
            Self::Event(id, _) => json!({ "outcome": outcome, "id": id.as_str() }),
            Self::Unusable { kept: Kept::Quarantined(number), reason } => {
                json!({ "outcome": outcome, "quarantine": number, "reason": reason })
            }
            // Its number is given when the quarantine has it.
            Self::Unusable { kept: Kept::Queued, reason } => {
                json!({ "outcome": outcome, "reason": reason })
            }
        })
        .into_response()
    }
}
