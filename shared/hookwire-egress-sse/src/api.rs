use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use hookwire_access::Access;
use hookwire_event::SourceUri;
use hookwire_http::{ForPages, method_not_allowed};
use hookwire_log::Log;
use hookwire_queue::Intake;
use hookwire_state::{Cursors, EventLimits};
use http::HeaderValue;

use crate::published::Published;
use crate::{ack, cors, history, publish};

/// How calls that are answered at once are served.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Largest body of a publish.
    pub max_body_bytes: usize,
    /// Origins whose pages may call, with credentials.
    pub cors_origins: Vec<HeaderValue>,
}

/// What they are served from.
#[derive(Debug)]
pub struct ApiParts {
    /// The events.
    pub log: Arc<dyn Log>,
    /// Where published events go.
    pub intake: Arc<Intake>,
    /// Who may read and publish what.
    pub access: Arc<Access>,
    /// Cursors that clients leave.
    pub cursors: Arc<dyn Cursors>,
    /// How many events may come in.
    pub event_limits: Arc<EventLimits>,
}

/// What their handlers share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) config: ApiConfig,
    pub(crate) parts: ApiParts,
    /// The source of events that do not name their own.
    pub(crate) source: SourceUri,
    pub(crate) published: Published,
}

impl Api {
    fn new(config: ApiConfig, parts: ApiParts) -> Self {
        #[expect(clippy::expect_used, reason = "the name is a constant")]
        let source = SourceUri::parse("/api").expect("a source is a short text");
        Self { config, parts, source, published: Published::new() }
    }
}

/// The routes of history, publishing and cursors, and those of tickets and revocations, which pages call as well.
pub fn api(config: ApiConfig, parts: ApiParts) -> Router {
    let cors = cors(&config.cors_origins);
    let tickets = hookwire_access::router(Arc::clone(&parts.access));
    Router::new()
        .route("/ack", post(ack::post_ack))
        .route("/topics/{*path}", get(history::get_topic_events).post(publish::post_topic_events))
        .with_state(Arc::new(Api::new(config, parts)))
        .merge(tickets)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(ForPages::new(cors))
}
