use hookwire_event::{EventType, SourceUri};

use crate::oidc::OidcVerifier;
use crate::template::{Field, Template};

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

impl SourceKind {
    /// Whether its notifications, pushed this way, have every field of a topic.
    #[must_use]
    pub fn has_fields_of(self, topic: &Template, wrapped: bool) -> bool {
        topic.fields().all(|field| match field {
            Field::EmailAddress => self == Self::Gmail,
            Field::Subscription | Field::OrderingKey => self == Self::PubSub,
            // Unwrapped, attributes are headers among all others, which nobody signed.
            Field::Attribute(_) => self == Self::PubSub && wrapped,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_may_only_use_what_its_notifications_have() {
        for (topic, kind, wrapped, fits) in [
            ("gmail/{emailAddress}", SourceKind::Gmail, true, true),
            ("gmail/{emailAddress}", SourceKind::PubSub, true, false),
            ("a/{attributes.region}", SourceKind::PubSub, true, true),
            ("a/{attributes.region}", SourceKind::PubSub, false, false),
            ("{subscription}/{orderingKey}", SourceKind::PubSub, false, true),
            ("{subscription}", SourceKind::Gmail, true, false),
        ] {
            let topic: Template = topic.parse().unwrap();
            assert_eq!(kind.has_fields_of(&topic, wrapped), fits, "{topic:?}");
        }
    }
}
