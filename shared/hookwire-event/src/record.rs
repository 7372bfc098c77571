use bytes::Bytes;
use postcard::ser_flavors::Size;
use postcard::serialize_with_flavor;
use serde::{Deserialize, Serialize};

use crate::{Data, Event, EventId, EventTime, EventType, Extension, Payload, SourceUri, Topic};

/// Version of the layout below, the first byte of every record.
const VERSION: u8 = 1;
/// The version, and the header's length.
const PREFIX_BYTES: usize = 5;

/// Everything but the topic, which the log's key holds, and the payload, which follows as it is.
#[derive(Serialize, Deserialize)]
struct Header<'a> {
    id: &'a str,
    source: &'a str,
    event_type: &'a str,
    time: &'a str,
    key: Option<&'a str>,
    content_type: Option<&'a str>,
    #[serde(borrow)]
    extensions: Vec<(&'a str, &'a str)>,
    form: Form,
}

#[derive(Serialize, Deserialize)]
enum Form {
    Json,
    Text,
    Binary,
}

impl<'e> Header<'e> {
    fn of(event: &'e Event) -> Self {
        Self {
            id: event.id.as_str(),
            source: event.source.as_str(),
            event_type: event.event_type.as_str(),
            time: event.time.as_str(),
            key: event.key.as_deref(),
            content_type: event.data.content_type.as_deref(),
            extensions: event.extensions.iter().map(|one| (one.name(), one.as_json())).collect(),
            form: match event.data.payload {
                Payload::Json(_) => Form::Json,
                Payload::Text(_) => Form::Text,
                Payload::Binary(_) => Form::Binary,
            },
        }
    }
}

/// A stored record that cannot be read back: damaged, or written by a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored record cannot be read")]
pub struct CorruptRecord;

/// Writes the event in the form in which logs store it: version, header length (u32), header, payload.
///
/// The topic is not part of it.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "writing plain data to a growing Vec cannot fail")]
pub fn encode_record(event: &Event) -> Vec<u8> {
    let header = Header::of(event);
    let payload = event.data.payload.as_bytes();
    let mut record = Vec::with_capacity(payload.len() + 256);
    record.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    #[expect(clippy::expect_used, reason = "the header is plain data and a Vec grows")]
    let mut record =
        postcard::to_extend(&header, record).expect("plain data is always written to a Vec");
    let header_bytes = u32::try_from(record.len() - PREFIX_BYTES).unwrap_or(u32::MAX);
    if let Some(length) = record.get_mut(1..PREFIX_BYTES) {
        length.copy_from_slice(&header_bytes.to_be_bytes());
    }
    record.extend_from_slice(payload);
    record
}

/// How long [`encode_record`] makes it.
#[must_use]
pub fn record_bytes(event: &Event) -> usize {
    let header = serialize_with_flavor(&Header::of(event), Size::default()).unwrap_or_default();
    PREFIX_BYTES + header + event.data.payload.as_bytes().len()
}

/// Reads what [`encode_record`] wrote; binary and JSON payloads share the record's memory.
///
/// # Errors
///
/// [`CorruptRecord`] for anything else.
pub fn decode_record(topic: &Topic, record: &Bytes) -> Result<Event, CorruptRecord> {
    let (prefix, rest) = record.split_at_checked(PREFIX_BYTES).ok_or(CorruptRecord)?;
    let [VERSION, length @ ..] = prefix else {
        return Err(CorruptRecord);
    };
    let length: [u8; 4] = length.try_into().map_err(|_never| CorruptRecord)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_size| CorruptRecord)?;
    let (header, payload) = rest.split_at_checked(length).ok_or(CorruptRecord)?;
    let header: Header<'_> = postcard::from_bytes(header).map_err(|_detail| CorruptRecord)?;
    Ok(Event {
        id: EventId::parse(header.id).map_err(|_name| CorruptRecord)?,
        source: SourceUri::parse(header.source).map_err(|_name| CorruptRecord)?,
        topic: topic.clone(),
        event_type: EventType::parse(header.event_type).map_err(|_name| CorruptRecord)?,
        time: EventTime::parse(header.time).map_err(|_time| CorruptRecord)?,
        data: Data {
            payload: match header.form {
                Form::Json => Payload::Json(record.slice_ref(payload)),
                Form::Binary => Payload::Binary(record.slice_ref(payload)),
                Form::Text => {
                    let text = std::str::from_utf8(payload).map_err(|_utf8| CorruptRecord)?;
                    Payload::Text(text.into())
                }
            },
            content_type: header.content_type.map(Into::into),
        },
        key: header.key.map(Into::into),
        extensions: header
            .extensions
            .iter()
            .map(|(name, json)| Extension::stored(name, json))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: Payload) -> Event {
        Event {
            id: EventId::parse("id").unwrap(),
            source: SourceUri::parse("/webhooks/x").unwrap(),
            topic: Topic::parse("t").unwrap(),
            event_type: EventType::parse("e").unwrap(),
            time: EventTime::from_unix_ms(1),
            data: Data { payload, content_type: Some("application/x".into()) },
            key: None,
            extensions: vec![Extension::text("a", "\"").unwrap()],
        }
    }

    #[test]
    fn an_event_is_read_back_as_it_was_written() {
        for body in [&b""[..], b"{\"a\":1}", b"text\r\n\0", b"\xff\0\xfe"] {
            let event = event(Payload::guess(body));
            let record = Bytes::from(encode_record(&event));
            assert_eq!(record_bytes(&event), record.len());
            assert_eq!(decode_record(&event.topic, &record), Ok(event));
        }
    }

    #[test]
    fn a_cut_or_foreign_record_is_an_error_and_no_panic() {
        let event = event(Payload::guess(b"text"));
        let record = encode_record(&event);
        for end in 0..record.len() - 4 {
            let cut = Bytes::copy_from_slice(&record[..end]);
            assert_eq!(decode_record(&event.topic, &cut), Err(CorruptRecord), "{end}");
        }
        let mut foreign = record;
        foreign[0] = 9;
        assert_eq!(decode_record(&event.topic, &foreign.into()), Err(CorruptRecord));
    }
}
