use hookwire_event::{Data, Event, Payload, Topic};

use crate::envelope::PubSubMessage;
use crate::source::SourceConfig;
use crate::template::Field;
use crate::unusable::Unusable;

/// Turns any Pub/Sub message into an event that carries its data.
pub(crate) fn event(source: &SourceConfig, message: PubSubMessage) -> Result<Event, Unusable> {
    let content_type = message.attributes.get("content-type").filter(|value| value.len() <= 256);
    let payload = match content_type.map(|value| hookwire_http::is_json(value)) {
        Some(true) => {
            Payload::json(&message.data).unwrap_or_else(|_| Payload::guess(&message.data))
        }
        _ => Payload::guess(&message.data),
    };
    let content_type = content_type.map(|value| value.as_str().into());
    let (subscription, key) = (message.subscription.clone(), message.ordering_key.clone());
    let attributes = message.attributes.clone();
    message.into_event(source, Data { payload, content_type }, |field| match field {
        Field::Subscription => subscription.as_deref().map(path),
        Field::OrderingKey => key.as_deref().map(Topic::escape_segment),
        Field::Attribute(name) => attributes.get(name).map(|value| Topic::escape_segment(value)),
        Field::EmailAddress => None,
    })
}

/// A subscription's name is a path of its own, which stays one.
fn path(subscription: &str) -> String {
    let segments: Vec<String> = subscription.split('/').map(Topic::escape_segment).collect();
    segments.join("/")
}
