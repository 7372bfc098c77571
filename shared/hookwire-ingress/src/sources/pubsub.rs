use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use hookwire_event::{Data, Event, Payload, Topic};
use hookwire_jwks::Jwks;
use http::{HeaderMap, HeaderName};

use crate::google_push::GooglePush;
use crate::source::{Notification, Proof, Source, SourceConfig, WrongFormat};
use crate::template::Field;
use crate::unproven::Unproven;
use crate::unusable::Unusable;

/// Any Pub/Sub messages, as events that carry their data.
#[derive(Debug)]
pub struct PubSub(pub GooglePush);

#[async_trait]
impl Source for PubSub {
    fn default_topic(&self) -> &'static str {
        "pubsub/{subscription}"
    }

    fn fields(&self) -> &'static [&'static str] {
        match self.0.wrapped {
            true => &["subscription", "orderingKey", "attributes.NAME"],
            // Unwrapped, attributes are headers among all others, which nobody signed.
            false => &["subscription", "orderingKey"],
        }
    }

    fn proof(&self) -> Proof {
        self.0.proof()
    }

    fn keys(&self) -> Option<&Arc<Jwks>> {
        self.0.keys()
    }

    async fn verify(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Unproven> {
        self.0.verify(headers, now).await
    }

    fn takes(&self, headers: &HeaderMap) -> Result<(), WrongFormat> {
        self.0.takes(headers)
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        GooglePush::keeps(header)
    }

    fn event(
        &self,
        config: &SourceConfig,
        notification: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        let message = self.0.message(notification)?;
        let content_type =
            message.attributes.get("content-type").filter(|value| value.len() <= 256);
        let payload = match content_type.map(|value| hookwire_http::is_json(value)) {
            Some(true) => {
                Payload::json(&message.data).unwrap_or_else(|_| Payload::guess(&message.data))
            }
            _ => Payload::guess(&message.data),
        };
        let content_type = content_type.map(|value| value.as_str().into());
        let facts = message.facts("pubsub.message", Data { payload, content_type });
        facts.into_event(config, |field| match field {
            Field::Subscription => message.subscription.as_deref().map(Topic::escape_path),
            Field::OrderingKey => message.ordering_key.as_deref().map(Topic::escape_segment),
            Field::Attribute(name) => {
                message.attributes.get(name).map(|value| Topic::escape_segment(value))
            }
            _ => None,
        })
    }
}
