use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwire_event::{Data, Extension, Payload};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::attributes::{Attributes, extension};
use crate::facts::Facts;
use crate::source::Notification;
use crate::unusable::Unusable;

/// A CloudEvent as one JSON object.
#[derive(Deserialize)]
struct Structured<'a> {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
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

/// Reads structured mode.
pub(super) fn read(notification: &Notification<'_>) -> Result<Facts, Unusable> {
    let event: Structured<'_> = serde_json::from_slice(notification.body)
        .map_err(|error| Unusable::no_json("the CloudEvent", &error))?;
    let payload = payload(event.data, event.data_base64.as_deref())?;
    // An attribute that is null is an absent one.
    let given = event.extensions.iter().filter(|(_, value)| !value.is_null());
    let extensions = given.map(|(name, value)| {
        let json =
            to_raw_value(value).map_err(|error| Unusable::no_json("an attribute", &error))?;
        extension(name, Extension::json(name, &json))
    });
    let attributes = Attributes {
        specversion: event.specversion,
        id: event.id,
        source: event.source,
        event_type: event.event_type,
        subject: event.subject,
        time: event.time,
        partitionkey: event.partitionkey,
        extensions: extensions.collect::<Result<_, _>>()?,
    };
    let content_type = event.datacontenttype.map(Into::into);
    attributes.facts(Data { payload, content_type }, notification.received_at_ms)
}

fn payload(data: Option<&RawValue>, data_base64: Option<&str>) -> Result<Payload, Unusable> {
    match (data, data_base64) {
        (Some(_), Some(_)) => {
            Err(Unusable::because("a CloudEvent has data or data_base64, not both"))
        }
        (None, None) => Ok(Payload::Json("null".into())),
        (Some(json), None) => Payload::json(json.get().as_bytes())
            .map_err(|error| Unusable::no_json("the data", &error)),
        (None, Some(base64)) => match STANDARD.decode(base64) {
            Ok(bytes) => Ok(Payload::Binary(bytes.into())),
            Err(_where) => Err(Unusable::because("its data_base64 is no base64")),
        },
    }
}
