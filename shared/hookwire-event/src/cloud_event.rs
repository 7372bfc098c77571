use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Event, Payload};

/// Appends the event to `out` as one CloudEvents 1.0 JSON object on one line.
///
/// `subject` is the topic. The line holds no CR, LF or NUL whatever the event carries, so it can stand in an SSE
/// `data:` field. Source: <https://github.com/cloudevents/spec/blob/main/cloudevents/formats/json-format.md>
pub fn write_cloud_event(event: &Event, out: &mut Vec<u8>) {
    let payload = &event.data.payload;
    out.reserve(payload.as_bytes().len() + 384);
    out.extend_from_slice(b"{\"specversion\":\"1.0\"");
    member(out, "id", event.id.as_str());
    member(out, "source", event.source.as_str());
    member(out, "type", event.event_type.as_str());
    member(out, "subject", event.topic.name());
    member(out, "time", event.time.as_str());
    let content_type = event.data.content_type.as_deref();
    member(out, "datacontenttype", content_type.unwrap_or(payload.implied_content_type()));
    if let Some(key) = &event.key {
        member(out, "partitionkey", key);
    }
    for extension in &event.extensions {
        name(out, extension.name());
        out.extend_from_slice(extension.as_json().as_bytes());
    }
    match payload {
        Payload::Json(json) => {
            name(out, "data");
            out.extend_from_slice(json);
        }
        Payload::Text(text) => member(out, "data", text),
        Payload::Binary(bytes) => {
            name(out, "data_base64");
            out.push(b'"');
            out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
            out.push(b'"');
        }
    }
    out.push(b'}');
}

fn name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn member(out: &mut Vec<u8>, key: &str, value: &str) {
    name(out, key);
    #[expect(clippy::expect_used, reason = "neither a str nor a Vec can make the encoder fail")]
    serde_json::to_writer(out, value).expect("a str is always written to a Vec");
}

#[cfg(test)]
mod tests {
    use crate::{
        Data, Event, EventId, EventTime, EventType, Extension, Payload, SourceUri, Topic,
        write_cloud_event,
    };

    fn encoded(payload: Payload) -> String {
        let event = Event {
            id: EventId::parse("7").unwrap(),
            source: SourceUri::parse("/webhooks/pubsub").unwrap(),
            topic: Topic::parse("a/b").unwrap(),
            event_type: EventType::parse("pubsub.message").unwrap(),
            time: EventTime::from_unix_ms(0),
            data: Data::from(payload),
            key: Some("k".into()),
            extensions: vec![Extension::text("traceparent", "00-1").unwrap()],
        };
        let mut out = Vec::new();
        write_cloud_event(&event, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_object_holds_every_attribute() {
        assert_eq!(
            encoded(Payload::json(b"{\"x\":1}").unwrap()),
            r#"{"specversion":"1.0","id":"7","source":"/webhooks/pubsub","type":"pubsub.message","subject":"a/b","time":"1970-01-01T00:00:00Z","datacontenttype":"application/json","partitionkey":"k","traceparent":"00-1","data":{"x":1}}"#
        );
    }

    #[test]
    fn no_payload_can_end_the_line_and_every_payload_comes_back() {
        let bodies: [&[u8]; 7] = [
            b"",
            b"data: x\r\n\r\nid: 9\n",
            b"\0\x01",
            "𝄞 \u{2028}\u{85}".as_bytes(),
            b"\xff\n\r\0",
            b"[1,\r\n2]",
            b"{}\n\n",
        ];
        for body in bodies {
            let line = encoded(Payload::guess(body));
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
            let object: serde_json::Value = serde_json::from_str(&line).unwrap();
            match Payload::guess(body) {
                Payload::Json(_) => {
                    assert_eq!(
                        object["data"],
                        serde_json::from_slice::<serde_json::Value>(body).unwrap()
                    );
                }
                Payload::Text(text) => assert_eq!(object["data"], *text),
                Payload::Binary(_) => assert_eq!(object["data_base64"], "/woNAA=="),
            }
        }
    }
}
