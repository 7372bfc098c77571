use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use hookwire_event::{Data, EventId, EventTime, Extension};
use http::HeaderMap;
use serde::Deserialize;

use crate::facts::Facts;
use crate::source::Notification;
use crate::unusable::Unusable;

/// A Pub/Sub message, however it was pushed.
#[derive(Debug)]
pub(crate) struct PubSubMessage {
    pub(crate) id: EventId,
    pub(crate) time: EventTime,
    pub(crate) data: Bytes,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) ordering_key: Option<String>,
    pub(crate) subscription: Option<String>,
}

/// The wrapped body. Real pushes carry both spellings of the id and the time, so neither is an alias of the other.
#[derive(Deserialize)]
struct Push {
    message: Message,
    subscription: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    data: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    #[serde(rename = "messageId")]
    camel_id: Option<String>,
    #[serde(rename = "message_id")]
    snake_id: Option<String>,
    #[serde(rename = "publishTime")]
    camel_time: Option<String>,
    #[serde(rename = "publish_time")]
    snake_time: Option<String>,
    #[serde(rename = "orderingKey")]
    camel_key: Option<String>,
    #[serde(rename = "ordering_key")]
    snake_key: Option<String>,
}

impl PubSubMessage {
    /// Reads a push. A wrapped one takes nothing from the headers, and of an unwrapped one only the headers that Pub/Sub
    /// itself writes are looked at: its other headers are attributes that anybody chose.
    pub(crate) fn read(
        wrapped: bool,
        Notification { headers, body, received_at_ms }: &Notification<'_>,
    ) -> Result<Self, Unusable> {
        if wrapped { Self::wrapped(body, *received_at_ms) } else { Self::unwrapped(headers, body) }
    }

    fn wrapped(body: &[u8], received_at_ms: u64) -> Result<Self, Unusable> {
        let push: Push = serde_json::from_slice(body)
            .map_err(|error| Unusable::no_json("the Pub/Sub push", &error))?;
        let message = push.message;
        let id = one_of("messageId", message.camel_id, message.snake_id)?;
        let id = id.ok_or_else(|| Unusable::because("the Pub/Sub message has no messageId"))?;
        let time = one_of("publishTime", message.camel_time, message.snake_time)?;
        let time = match time {
            Some(time) => EventTime::parse(&time)
                .map_err(|error| Unusable::because(format!("the publishTime is none: {error}")))?,
            None => EventTime::from_unix_ms(received_at_ms),
        };
        let attributes = message.attributes.unwrap_or_default();
        Ok(Self {
            id: event_id(&id)?,
            time,
            data: decode_base64(message.data.as_deref().unwrap_or_default())?.into(),
            attributes,
            ordering_key: one_of("orderingKey", message.camel_key, message.snake_key)?
                .filter(|key| !key.is_empty()),
            subscription: push.subscription,
        })
    }

    fn unwrapped(headers: &HeaderMap, body: &Bytes) -> Result<Self, Unusable> {
        let id = header(headers, "x-goog-pubsub-message-id").ok_or_else(|| {
            Unusable::because("the push has no x-goog-pubsub-message-id; turn on \"write metadata\" in the subscription")
        })?;
        let time = header(headers, "x-goog-pubsub-publish-time");
        let time = time.and_then(|time| EventTime::parse(&time).ok());
        Ok(Self {
            id: event_id(&id)?,
            time: time
                .ok_or_else(|| Unusable::because("the push has no x-goog-pubsub-publish-time"))?,
            data: body.clone(),
            attributes: BTreeMap::new(),
            ordering_key: header(headers, "x-goog-pubsub-ordering-key")
                .filter(|key| !key.is_empty()),
            subscription: header(headers, "x-goog-pubsub-subscription-name"),
        })
    }

    /// What it says of an event of this type that carries `data`.
    pub(crate) fn facts(&self, event_type: &str, data: Data) -> Facts {
        Facts {
            key: self.ordering_key.as_deref().map(Into::into),
            extensions: extensions(&self.attributes),
            ..Facts::new(self.id.clone(), event_type, self.time.clone(), data)
        }
    }
}

/// The attributes go along as one extension with a JSON text: CloudEvents has no maps. Google's libraries name the trace in
/// two of them.
fn extensions(attributes: &BTreeMap<String, String>) -> Vec<Extension> {
    let named = |name: &str| attributes.get(name).cloned();
    let all = (!attributes.is_empty()).then(|| serde_json::to_string(attributes).ok()).flatten();
    [
        ("traceparent", named("googclient_traceparent")),
        ("tracestate", named("googclient_tracestate")),
        ("attributes", all),
    ]
    .into_iter()
    .filter_map(|(name, value)| Extension::text(name, &value?).ok())
    .collect()
}

fn one_of(
    name: &str,
    camel: Option<String>,
    snake: Option<String>,
) -> Result<Option<String>, Unusable> {
    match (camel, snake) {
        (Some(one), Some(other)) if one != other => {
            Err(Unusable::because(format!("the two spellings of {name} differ")))
        }
        (one, other) => Ok(one.or(other)),
    }
}

fn event_id(text: &str) -> Result<EventId, Unusable> {
    EventId::parse(text)
        .map_err(|error| Unusable::because(format!("the messageId is none: {error}")))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Decodes either alphabet, padded or not: Pub/Sub sends the one, Gmail's guide names the other.
fn decode_base64(text: &str) -> Result<Vec<u8>, Unusable> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode(text).map_err(|_where| Unusable::because("the message's data is no base64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_padded_or_not() {
        for text in ["-_-_", "+/+/", "YQ==", "YQ", "YQ=", ""] {
            assert!(decode_base64(text).is_ok(), "{text}");
        }
        for text in ["-/", "a", "Y Q=", "💥", "YQ==YQ=="] {
            assert!(decode_base64(text).is_err(), "{text}");
        }
    }

    #[test]
    fn both_spellings_are_read_and_must_agree() {
        let body = |id: &str| format!(r#"{{"message":{{"data":"YQ==",{id}}},"subscription":"s"}}"#);
        let read = |id: &str| PubSubMessage::wrapped(body(id).as_bytes(), 0);
        for id in
            [r#""messageId":"1""#, r#""message_id":"1""#, r#""messageId":"1","message_id":"1""#]
        {
            assert_eq!(read(id).unwrap().id.as_str(), "1");
        }
        assert!(read(r#""messageId":"1","message_id":"2""#).is_err());
        assert!(read(r#""attributes":{}"#).is_err());
    }

    #[test]
    fn a_reason_says_where_and_quotes_nothing() {
        let body = br#"{"message":{"data":7,"messageId":"alice@example.com"}}"#;
        let unusable = PubSubMessage::wrapped(body, 0).unwrap_err();
        assert!(unusable.0.contains("column"), "{unusable}");
        assert!(!unusable.0.contains("alice") && !unusable.0.contains('7'), "{unusable}");
    }
}
