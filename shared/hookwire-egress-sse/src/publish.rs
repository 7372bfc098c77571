use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use hookwire_access::Purpose;
use hookwire_event::{Data, Event, EventId, EventTime, Payload, SourceUri, Topic};
use hookwire_http::{Problem, is_json, media_type, read_body};
use hookwire_log::{AppendError, Clock};
use hookwire_queue::Taken;
use hookwire_traces::{Arrival, continue_trace};
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Serialize;
use uuid::Uuid;

use crate::api::Api;
use crate::cloud_event::{CLOUD_EVENT, parse_cloud_event};
use crate::{bad_request, event_type_of, granted, in_time, query_value, topic_of, unavailable};

/// How long a publish's body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// `POST /topics/{topic}/events`: publishes one event; answered when it is durable.
pub(crate) async fn post_topic_events(
    State(api): State<Arc<Api>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    let mut arrival = api.parts.intake.tracer().arrival("publish");
    let published = publish(&api, path, request, &mut arrival).await;
    let status = published.as_ref().map_or_else(Problem::status, |_taken| StatusCode::OK);
    arrival.into_span().answered("/topics/{topic}/events", status);
    published
}

async fn publish(
    api: &Api,
    path: Result<Path<String>, PathRejection>,
    request: Request,
    arrival: &mut Arrival,
) -> Result<Json<Answer>, Problem> {
    let (request, body) = request.into_parts();
    let identity = api.parts.access.identify(&request, Purpose::Change).await?.identity;
    let topic =
        granted(&api.parts.access, identity.publish(&topic_of(path)?), &identity, &request).await?;
    let (headers, query) = (&request.headers, request.uri.query().unwrap_or_default());
    let body = read_body(headers, body, api.config.max_body_bytes, BODY_WITHIN).await?;
    let mut event = match &*media_type(headers) {
        CLOUD_EVENT => parse_cloud_event(topic, &body)?,
        other => bare(api.source.clone(), topic, query, headers, other, &body)?,
    };
    if !api.parts.access.is_bypassed(&request) {
        api.parts.event_limits.take(event.topic.as_str()).await?;
    }
    continue_trace(&mut event, headers);
    arrival.brought(&mut event);
    let id = event.id.clone();
    let taken = in_time(api.parts.intake.take(event)).await?.map_err(refusal)?;
    api.published.count(taken.outcome(), identity.tenant());
    Ok(Json(Answer::of(&id, taken)))
}

/// What a publisher hears.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// Missing while it waits in the queue: it has a place when it comes into the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    id: String,
    outcome: &'static str,
}

impl Answer {
    fn of(id: &EventId, taken: Taken) -> Self {
        let cursor = match taken {
            Taken::Appended(position) | Taken::Duplicate(position) => Some(position.to_string()),
            Taken::Queued => None,
        };
        Self { cursor, id: id.as_str().to_owned(), outcome: taken.outcome() }
    }
}

/// Makes an event of a body that is only its data.
fn bare(
    source: SourceUri,
    topic: Topic,
    query: &str,
    headers: &HeaderMap,
    media_type: &str,
    body: &[u8],
) -> Result<Event, Problem> {
    let payload = match media_type {
        json if is_json(json) => Payload::json(body)
            .map_err(|error| bad_request("bad-json", format!("the body is no JSON: {error}")))?,
        text if text.starts_with("text/") => {
            let text = std::str::from_utf8(body);
            Payload::Text(
                text.map_err(|_where| bad_request("bad-text", "the body is no UTF-8"))?.into(),
            )
        }
        "application/octet-stream" => Payload::Binary(body.to_vec().into()),
        _ => return Err(unsupported()),
    };
    // Without a type it is what EventSource's onmessage hears.
    let event_type = query_value(query, "type").unwrap_or("message".into());
    let idempotency_key = headers.get(IDEMPOTENCY_KEY).map(|key| key.to_str().unwrap_or_default());
    let invalid = |error: hookwire_event::InvalidName| bad_request("bad-event", error);
    Ok(Event {
        id: match idempotency_key {
            Some(key) => EventId::parse(key),
            None => EventId::parse(Uuid::now_v7().as_hyphenated().encode_lower(&mut [0; 36])),
        }
        .map_err(invalid)?,
        source,
        topic,
        event_type: event_type_of(&event_type)?,
        time: EventTime::from_unix_ms(Clock::system().now_ms()),
        data: Data { payload, content_type: Some(media_type.into()) },
        key: None,
        extensions: Vec::new(),
    })
}

fn unsupported() -> Problem {
    let detail = format!(
        "send application/json, {CLOUD_EVENT}, text/plain or application/octet-stream as Content-Type \
         (curl: -H 'Content-Type: application/json')"
    );
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", detail)
}

fn refusal(error: AppendError) -> Problem {
    match error {
        // Log and queue themselves tell of their trouble, once and not per event.
        AppendError::Unavailable(cause) => {
            tracing::debug!(error = cause, "could not append a published event");
            unavailable()
        }
        AppendError::Unknown(cause) => {
            tracing::debug!(error = cause, "cannot tell whether a published event was appended");
            let detail = "nothing durable answered in time, the event may be in the log; repeating it with the same \
                          Idempotency-Key is safe";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log-unavailable", detail)
                .retry_after(Duration::from_secs(1))
        }
        AppendError::TooLarge { .. } => {
            let detail = format!("{error}; it is HOOKWIRE_RETENTION_BYTES");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
        }
    }
}
