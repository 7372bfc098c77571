use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwire_event::{Data, Event, EventId, EventTime, Extension, Payload, SourceUri, Topic};
use hookwire_http::Problem;
use hookwire_log::Clock;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::{bad_request, event_type_of, place_in_json};

/// Media type of a CloudEvent in structured mode.
pub(crate) const CLOUD_EVENT: &str = "application/cloudevents+json";

/// A CloudEvent as a publisher sends it.
#[derive(Deserialize)]
struct CloudEvent<'a> {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: Option<String>,
    time: Option<String>,
    datacontenttype: Option<String>,
    partitionkey: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
    /// Not raw: serde keeps what it flattens in a form of its own.
    #[serde(flatten)]
    extensions: BTreeMap<String, Value>,
}

/// Reads a CloudEvent in structured mode as an event of `topic`.
pub(crate) fn parse_cloud_event(topic: Topic, body: &[u8]) -> Result<Event, Problem> {
    let bad = |detail: String| bad_request("bad-cloud-event", detail);
    let event: CloudEvent<'_> = serde_json::from_slice(body).map_err(|error| {
        bad(format!(
            "the body is no CloudEvent: expects a JSON object with specversion, id, source and type, attributes as \
             text ({})",
            place_in_json(&error)
        ))
    })?;
    if event.specversion != "1.0" {
        return Err(bad("specversion must be \"1.0\"".into()));
    }
    if event.subject.as_deref().is_some_and(|subject| subject != topic.name()) {
        return Err(bad("leave subject out: subscribers see the topic there".into()));
    }
    let source = SourceUri::parse(&event.source).map_err(|error| bad(error.to_string()))?;
    if source.is_webhook() {
        return Err(bad("sources below /webhooks/ belong to the relay's webhooks".into()));
    }
    let time = event.time.as_deref().map(EventTime::parse).transpose();
    let extension = |(name, value): (&String, &Value)| {
        let json = to_raw_value(value).map_err(|error| bad(error.to_string()))?;
        Extension::json(name, &json).map_err(|error| bad(format!("extension `{name}`: {error}")))
    };
    // An attribute that is null is an absent one.
    let given = event.extensions.iter().filter(|(_, value)| !value.is_null());
    Ok(Event {
        id: EventId::parse(&event.id).map_err(|error| bad(error.to_string()))?,
        source,
        topic,
        event_type: event_type_of(&event.event_type)?,
        time: time
            .map_err(|error| bad(error.to_string()))?
            .unwrap_or_else(|| EventTime::from_unix_ms(Clock::system().now_ms())),
        data: Data {
            payload: payload(event.data, event.data_base64.as_deref())?,
            content_type: event.datacontenttype.map(Into::into),
        },
        key: event.partitionkey.map(Into::into),
        extensions: given.map(extension).collect::<Result<_, _>>()?,
    })
}

fn payload(data: Option<&RawValue>, data_base64: Option<&str>) -> Result<Payload, Problem> {
    match (data, data_base64) {
        (Some(_), Some(_)) => {
            Err(bad_request("bad-cloud-event", "a CloudEvent has data or data_base64, not both"))
        }
        (None, None) => Ok(Payload::Json("null".into())),
        (Some(json), None) => Payload::json(json.get().as_bytes())
            .map_err(|error| bad_request("bad-cloud-event", error)),
        (None, Some(base64)) => match STANDARD.decode(base64) {
            Ok(bytes) => Ok(Payload::Binary(bytes.into())),
            Err(_detail) => Err(bad_request("bad-cloud-event", "data_base64 is no base64")),
        },
    }
}
