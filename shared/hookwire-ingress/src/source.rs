use hookwire_event::{Event, EventType, SourceUri};

use crate::envelope::PubSubMessage;
use crate::oidc::OidcVerifier;
use crate::sources;
use crate::template::Template;

/// One system that pushes to the relay.
#[derive(Debug)]
pub struct SourceConfig {
    /// Its name in settings, metrics and the quarantine.
    pub name: String,
    /// What its notifications mean.
    pub kind: SourceKind,
    /// Path that it pushes to.
    pub path: String,
    /// Topic of its events.
    pub topic: Template,
    /// Type of its events.
    pub event_type: EventType,
    /// Whether Pub/Sub wraps the message into JSON, or sends the bare data with its metadata in headers.
    pub wrapped: bool,
    /// How its pushes prove where they come from; without it anyone who reaches the relay can push.
    pub verifier: Option<OidcVerifier>,
    /// CloudEvents `source` of its events, and the scope of their ids.
    pub uri: SourceUri,
}

/// What the notifications of a source mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A Pub/Sub message that tells of a change in a Gmail mailbox.
    Gmail,
    /// Any Pub/Sub message.
    PubSub,
}

/// Why a notification can never become an event. Holds nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unusable(pub(crate) String);

impl Unusable {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// Says where JSON went wrong, and not how: the parser's own words quote the content.
    pub(crate) fn no_json(what: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let how = match error.classify() {
            serde_json::error::Category::Data => "lacks a field or has one of another type",
            serde_json::error::Category::Eof => "ends too early",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is no JSON",
        };
        Self(format!("{what} {how} (line {line}, column {column})"))
    }
}

impl SourceConfig {
    /// Turns a notification into the event that it means.
    pub(crate) fn event(&self, message: PubSubMessage) -> Result<Event, Unusable> {
        match self.kind {
            SourceKind::Gmail => sources::gmail::event(self, message),
            SourceKind::PubSub => sources::pubsub::event(self, message),
        }
    }
}
