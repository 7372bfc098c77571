use bytes::Bytes;
use hookwire_event::{Data, Payload};
use hookwire_http::{is_json, media_type};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::unusable::Unusable;

/// The body as what an event carries: JSON where it is some, else its text, else its bytes.
///
/// The content type goes along unless it says something else than the body: to a subscriber JSON in `data` and a
/// `datacontenttype` of plain text would mean a text.
pub(crate) fn content(headers: &HeaderMap, body: &Bytes) -> Data {
    let promised_json = is_json(&media_type(headers));
    let payload = match promised_json {
        true => Payload::json(body).unwrap_or_else(|_no_json| Payload::guess(body)),
        false => Payload::guess(body),
    };
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.filter(|value| {
        value.len() <= 256
            && !value.is_empty()
            && promised_json == matches!(payload, Payload::Json(_))
    });
    Data { payload, content_type: content_type.map(Into::into) }
}

/// Reads a body whose sender always sends JSON.
pub(crate) fn json<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, Unusable> {
    serde_json::from_slice(body).map_err(|error| Unusable::no_json(what, &error))
}
