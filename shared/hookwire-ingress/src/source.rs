use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use hookwire_event::{Event, EventType, SourceUri, Tenant};
use hookwire_jwks::Jwks;
use http::{HeaderMap, HeaderName};

use crate::template::{Field, Template};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

/// One system that pushes to the relay.
#[derive(Debug)]
pub struct SourceConfig {
    /// Its name in settings, metrics and the quarantine.
    pub name: String,
    /// How its pushes prove where they come from, and what they mean.
    pub kind: Box<dyn Source>,
    /// Path that it pushes to.
    pub path: String,
    /// Whose topics its events are on.
    pub tenant: Option<Tenant>,
    /// Topic of its events.
    pub topic: Template,
    /// Type of its events; without one its kind tells.
    pub event_type: Option<EventType>,
    /// CloudEvents `source` of its events, and the scope of their ids.
    pub uri: SourceUri,
}

/// A kind of source.
///
/// The calls come in this order, and each only after the one before agreed: [`verify`](Self::verify) and
/// [`takes`](Self::takes) see the headers, [`verify_body`](Self::verify_body) the bytes as they came, and only then do
/// [`challenge`](Self::challenge) and [`event`](Self::event) look into them.
#[async_trait]
pub trait Source: fmt::Debug + Send + Sync + 'static {
    /// The topic when the settings name none.
    fn default_topic(&self) -> &'static str {
        "{source}"
    }

    /// The fields that only this kind's notifications have, as they stand in a template.
    fn fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// What proves where a push comes from.
    fn proof(&self) -> Proof;

    /// The published keys that pushes are verified with.
    fn keys(&self) -> Option<&Arc<Jwks>> {
        None
    }

    /// Verifies what the headers alone can prove, before a byte of the body is read.
    ///
    /// # Errors
    ///
    /// [`Unproven`] says why the push is refused.
    async fn verify(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Unproven>;

    /// Verifies what needs the body; asked only where the [`proof`](Self::proof) is in it.
    ///
    /// # Errors
    ///
    /// [`Unproven`] says why the push is refused.
    fn verify_body(
        &self,
        _headers: &HeaderMap,
        _body: &[u8],
        _now: SystemTime,
    ) -> Result<(), Unproven> {
        Ok(())
    }

    /// Whether a body that is announced this way can be read at all.
    ///
    /// # Errors
    ///
    /// [`WrongFormat`] says what the sender should send.
    fn takes(&self, _headers: &HeaderMap) -> Result<(), WrongFormat> {
        Ok(())
    }

    /// What the sender wants to hear instead of having an event made of it.
    fn challenge(&self, _notification: &Notification<'_>) -> Option<String> {
        None
    }

    /// Whether the sender asks with OPTIONS whether it may push.
    fn has_handshake(&self) -> bool {
        false
    }

    /// Whether the quarantine keeps this header, because [`event`](Self::event) reads it. Never one that proves
    /// something: what is kept is shown.
    fn keeps(&self, header: &HeaderName) -> bool;

    /// Makes the event that a verified notification means.
    ///
    /// # Errors
    ///
    /// [`Unusable`] says why it can never be one.
    fn event(
        &self,
        config: &SourceConfig,
        notification: &Notification<'_>,
    ) -> Result<Event, Unusable>;
}

/// What proves where a push comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: anyone who reaches the relay can push.
    Nothing,
    /// The headers alone.
    Headers,
    /// A signature over the body.
    Body,
}

/// A verified push.
#[derive(Debug, Clone, Copy)]
pub struct Notification<'a> {
    /// Its headers; in a retry those that were kept.
    pub headers: &'a HeaderMap,
    /// Its body as it came.
    pub body: &'a Bytes,
    /// When it came, in milliseconds since the Unix epoch.
    pub received_at_ms: u64,
}

/// Why a body cannot be read, whatever is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongFormat {
    /// A wrapped Pub/Sub push is JSON.
    #[error(
        "a wrapped push is application/json (curl: -H 'Content-Type: application/json'); for pushes without wrapper \
         set wrapped = false in the source"
    )]
    NoJson,
    /// Several CloudEvents in one request.
    #[error("batches of CloudEvents are not taken; send each event in a request of its own")]
    Batch,
    /// Neither mode of CloudEvents over HTTP.
    #[error(
        "send a CloudEvent: the attributes in `ce-` headers, or all of it as application/cloudevents+json"
    )]
    NoCloudEvent,
}

impl SourceConfig {
    /// The first field of `topic` that notifications of `kind` do not have.
    #[must_use]
    pub fn lacking<'t>(kind: &dyn Source, topic: &'t Template) -> Option<&'t Field> {
        topic.fields().find(|field| !field.is_common() && !kind.fields().contains(&field.noun()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared_secret::SharedSecret;
    use crate::sources::{GitHub, Gmail, GooglePush, PubSub};

    #[test]
    fn a_topic_may_only_use_what_its_notifications_have() {
        let push = |wrapped| GooglePush { wrapped, verifier: None };
        let gmail = || Box::new(Gmail(push(true))) as Box<dyn Source>;
        let pubsub = |wrapped| Box::new(PubSub(push(wrapped))) as Box<dyn Source>;
        let github =
            || Box::new(GitHub { secrets: vec![SharedSecret::new(*b"x")] }) as Box<dyn Source>;
        for (topic, kind, lacking) in [
            ("gmail/{emailAddress}", gmail(), None),
            ("gmail/{emailAddress}", pubsub(true), Some("{emailAddress}")),
            ("a/{attributes.region}", pubsub(true), None),
            ("a/{attributes.region}", pubsub(false), Some("{attributes.region}")),
            ("{subscription}/{orderingKey}", pubsub(false), None),
            ("{subscription}", gmail(), Some("{subscription}")),
            ("{source}/{type}/{body.a.b}", gmail(), None),
            ("{source}/{type}/{body.a.b}", github(), None),
            ("{repository}", github(), None),
            ("{repository}", pubsub(true), Some("{repository}")),
        ] {
            let topic: Template = topic.parse().unwrap();
            let found = SourceConfig::lacking(&*kind, &topic).map(ToString::to_string);
            assert_eq!(found.as_deref(), lacking, "{topic:?}");
        }
    }
}
