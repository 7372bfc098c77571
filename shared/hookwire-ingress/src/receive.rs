use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hookwire_event::{Event, EventId};
use hookwire_http::read_body;
use hookwire_log::{AppendError, Clock, Quarantined};
use hookwire_queue::{Kept, Taken};
use hookwire_traces::{Arrival, continue_trace};
use http::HeaderMap;
use http::request::Parts;
use serde::Serialize;
use tokio::sync::SemaphorePermit;
use tracing::debug;

use crate::admission::{Pace, admit, admit_event, admit_verified, prove_body};
use crate::pushes::Pushes;
use crate::reject::Reject;
use crate::source::{Notification, Proof, SourceConfig};
use crate::unusable::Unusable;
use crate::{Ingress, IngressConfig};

/// Which source a route belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceIndex(pub(crate) usize);

/// What became of a push that was taken.
#[derive(Debug)]
pub(crate) enum Accepted {
    Event(EventId, Taken),
    /// No event: the sender only wants to hear this.
    Challenge(String),
    Unusable {
        kept: Kept,
        reason: String,
    },
}

/// `POST /webhooks/{source}`: takes one notification.
pub(crate) async fn post_push(
    State((ingress, SourceIndex(index))): State<(Arc<Ingress>, SourceIndex)>,
    request: Request,
) -> Response {
    let came = Instant::now();
    let Some((source, pushes)) = ingress.sources.get(index) else {
        return crate::unknown_source().await.into_response();
    };
    let (parts, body) = request.into_parts();
    let mut arrival = ingress.intake.tracer().arrival("receive");
    let received = receive(&ingress, source, pushes, &parts, body, &mut arrival);
    let result = tokio::time::timeout(IngressConfig::ANSWER_WITHIN, received).await;
    let result = result.unwrap_or(Err(Reject::TooLate));
    let outcome = result.as_ref().map_or_else(Reject::outcome, Accepted::outcome);
    pushes.answered(&source.name, outcome, came);
    let answer = result.into_response();
    let mut span = arrival.into_span();
    span.set("source", source.name.as_str());
    span.set("outcome", outcome);
    span.answered(&source.path, answer.status());
    answer
}

/// Turns one push into one appended event.
async fn receive(
    ingress: &Ingress,
    source: &SourceConfig,
    pushes: &Pushes,
    push: &Parts,
    body: Body,
    arrival: &mut Arrival,
) -> Result<Accepted, Reject> {
    let mut pace = admit(ingress, source, push).await?;
    let (body, _permit) = if source.kind.proof() == Proof::Body {
        let proven = prove_body(ingress, source, push, body).await?;
        pace = admit_verified(ingress, source, push).await?;
        proven
    } else {
        let permit = work(ingress)?;
        (read(ingress, source, &push.headers, body).await?, permit)
    };
    pushes.verified();
    let received_at_ms = Clock::system().now_ms();
    let notification = Notification { headers: &push.headers, body: &body, received_at_ms };
    if let Some(answer) = source.kind.challenge(&notification) {
        return Ok(Accepted::Challenge(answer));
    }
    match event(source, &push.headers, &body, received_at_ms) {
        Ok(mut event) => {
            arrival.brought(&mut event);
            let pace = admit_event(ingress, push, &event, pace).await?;
            let taking = Taking { event, pace, received_at_ms };
            append(ingress, source, &push.headers, body, taking).await
        }
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
    let mut event = source.kind.event(source, &Notification { headers, body, received_at_ms })?;
    if let Some(tenant) = &source.tenant {
        event.topic = event.topic.within(tenant);
    }
    continue_trace(&mut event, headers);
    Ok(event)
}

/// An event on its way into the log.
struct Taking {
    event: Event,
    pace: Pace,
    received_at_ms: u64,
}

/// Finds a place among the pushes that are worked on.
pub(crate) fn work(ingress: &Ingress) -> Result<SemaphorePermit<'_>, Reject> {
    ingress.at_once.try_acquire().map_err(|_full| Reject::Busy)
}

pub(crate) async fn read(
    ingress: &Ingress,
    source: &SourceConfig,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Reject> {
    source.kind.takes(headers).map_err(Reject::Format)?;
    let within = IngressConfig::BODY_WITHIN;
    read_body(headers, body, ingress.max_body_bytes, within).await.map_err(Reject::Body)
}

async fn append(
    ingress: &Ingress,
    source: &SourceConfig,
    headers: &HeaderMap,
    body: Bytes,
    Taking { event, pace, received_at_ms }: Taking,
) -> Result<Accepted, Reject> {
    let (id, topic) = (event.id.clone(), event.topic.clone());
    let taken = match pace {
        Pace::Now => ingress.intake.take(event).await,
        Pace::ByQueue => ingress.intake.defer(event).await,
    };
    match taken {
        Ok(taken) => {
            let outcome = taken.outcome();
            debug!(event.id = %id, topic.hash = topic.hash(), outcome, "took an event");
            ingress.junk.good(&source.name);
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
    let kept =
        |name: &http::HeaderName| name == http::header::CONTENT_TYPE || source.kind.keeps(name);
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
            ingress.junk.kept(&source.name, &reason, number);
            Ok(Accepted::Unusable { kept, reason })
        }
        Err(error) => {
            ingress.junk.lost(&source.name, &error);
            Err(Reject::NotStored)
        }
    }
}

impl Accepted {
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Event(_, taken) => taken.outcome(),
            Self::Challenge(_) => "challenge",
            Self::Unusable { .. } => "quarantined",
        }
    }
}

/// What a sender hears.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outcome: &'static str,
    /// Missing while it waits in the queue: its number is given when the quarantine has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    quarantine: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let answer = Answer { id: None, outcome: self.outcome(), quarantine: None, reason: None };
        let answer = match &self {
            Self::Challenge(answer) => return answer.clone().into_response(),
            Self::Event(id, _) => Answer { id: Some(id.as_str()), ..answer },
            Self::Unusable { kept, reason } => {
                let quarantine = match kept {
                    Kept::Quarantined(number) => Some(*number),
                    Kept::Queued => None,
                };
                Answer { quarantine, reason: Some(reason), ..answer }
            }
        };
        Json(answer).into_response()
    }
}
