//! Events out: `EventSource` streams, history pages, and publishing by API.
//!
//! The wire is described in the README; every answer that is no stream and no page is a problem detail.

mod ack;
mod api;
mod body;
mod closing;
mod cloud_event;
mod control;
mod cursor;
mod frame;
mod history;
mod lag;
mod publish;
mod published;
mod start;
mod stream;
mod tally;
mod watchdog;
mod writing;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::routing::get;
use hookwire_access::{Access, Identity, Refusal};
use hookwire_event::{EventType, Topic};
use hookwire_http::{Problem, method_not_allowed};
use hookwire_hub::{Hub, RingLimit};
use hookwire_log::{Lateness, Log};
use hookwire_state::Cursors;
use hookwire_traces::Tracer;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use tokio_util::sync::CancellationToken;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::frame::SseCodec;
use crate::tally::Tally;
use crate::writing::Writing;

pub use crate::api::{ApiConfig, ApiParts, api};

/// How streams are served.
#[derive(Debug, Clone)]
pub struct EgressConfig {
    /// Pause between heartbeats on a quiet stream; below the idle time-out of whatever stands in front.
    pub heartbeat: Duration,
    /// When a browser comes back after a cut, plus or minus half of it.
    pub retry: Duration,
    /// A stream ends by itself between nine tenths of this and all of it.
    pub max_lifetime: Duration,
    /// A stream without an event for so long ends by itself, and its browser comes back: polling. `None` for never.
    pub linger: Option<Duration>,
    /// A stream ends by itself when so many bytes have gone over it: some fronts cut it at a size. `None` for never.
    pub max_stream_bytes: Option<u64>,
    /// A connection that takes nothing for so long is closed. The socket sees to HTTP/1.1, a watchdog to HTTP/2.
    pub slow_after: Duration,
    /// Frames kept encoded per followed topic.
    pub ring: RingLimit,
    /// Origins whose pages may call, with credentials.
    pub cors_origins: Vec<HeaderValue>,
}

/// What streams are served from.
#[derive(Debug)]
pub struct EgressParts {
    /// The events.
    pub log: Arc<dyn Log>,
    /// Whether events are late, which streams tell.
    pub lateness: Lateness,
    /// Who may follow what.
    pub access: Arc<Access>,
    /// Cursors that clients left.
    pub cursors: Arc<dyn Cursors>,
    /// Cancelled when the process is to stop: streams end then.
    pub draining: CancellationToken,
    /// What records deliveries.
    pub tracer: Tracer,
}

/// What the handlers of streams share.
#[derive(Debug)]
struct Egress {
    config: EgressConfig,
    hub: Hub,
    access: Arc<Access>,
    cursors: Arc<dyn Cursors>,
    draining: CancellationToken,
    tally: Arc<Tally>,
    writing: Writing,
}

/// The route of streams. Called within a runtime, where a task looks now and then at how far they are behind.
pub fn streams(config: EgressConfig, parts: EgressParts) -> Router {
    let EgressParts { log, lateness, access, cursors, draining, tracer } = parts;
    let cors = cors(&config.cors_origins);
    let hub = Hub::new(log, Arc::new(SseCodec), config.ring);
    let writing = Writing::new(lateness.clone(), draining.clone());
    let hub = hub.with_lateness(lateness).with_tracer(tracer);
    let tally = Arc::new(Tally::new());
    let egress = Arc::new(Egress { config, hub, access, cursors, draining, tally, writing });
    tokio::spawn(lag::watch(Arc::downgrade(&egress)));
    Router::new()
        .route("/events", get(stream::get_events).head(stream::head_events))
        .with_state(egress)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors)
}

/// What was granted, or the refusal, which the audit is told of.
async fn granted<T>(
    access: &Access,
    granted: Result<T, Refusal>,
    identity: &Identity,
    request: &Parts,
) -> Result<T, Problem> {
    if let Err(refusal) = &granted {
        access.refused(refusal, Some(identity), request).await;
    }
    Ok(granted?)
}

/// Exact origins only: with credentials a wildcard would let any page read with its visitor's cookie.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::CACHE_CONTROL,
            header::HeaderName::from_static("last-event-id"),
            header::HeaderName::from_static("idempotency-key"),
        ])
        .max_age(Duration::from_hours(1))
}

/// Takes the topic out of `/topics/{topic}/events`; the slashes of its name may be encoded or not.
fn topic_of(path: Result<Path<String>, PathRejection>) -> Result<Topic, Problem> {
    let Path(path) = path.map_err(|rejection| bad_request("bad-topic", rejection.body_text()))?;
    let Some(name) = path.strip_suffix("/events") else {
        let detail = "the path of a topic's events is /topics/{topic}/events";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not-found", detail));
    };
    Topic::parse(name).map_err(|invalid| bad_request("bad-topic", invalid))
}

/// The first value of a query's parameter, decoded.
fn query_value<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Parses a publisher's event type.
fn event_type_of(text: &str) -> Result<EventType, Problem> {
    match EventType::parse(text) {
        Ok(control) if control.is_control() => {
            Err(bad_request("bad-event", "types that begin with `hookwire.` belong to the relay"))
        }
        Ok(event_type) => Ok(event_type),
        Err(error) => Err(bad_request("bad-event", error)),
    }
}

fn bad_request(kind: &'static str, cause: impl fmt::Display) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, kind, format!("{cause}"))
}

/// Where JSON is not what was expected, and not how: the parser's own words quote the content.
fn place_in_json(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// Longest time that a publisher or a page waits for the log.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Waits for the log, but not for ever.
async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(ANSWER_WITHIN, answer).await.map_err(|_elapsed| unavailable())
}

fn unavailable() -> Problem {
    let detail = "nothing durable answers; try again, repeating a publish with the same id is safe";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log-unavailable", detail)
        .retry_after(Duration::from_secs(1))
}
