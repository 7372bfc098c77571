use hookwire_event::{Data, Event, EventId, EventTime, EventType, Payload, SourceUri, Topic};
use hookwire_log::Clock;

use crate::template::Template;

/// Data of an event, of so many bytes.
pub fn body(bytes: usize) -> String {
    let frame = r#"{"data":""}"#.len();
    format!(r#"{{"data":"{}"}}"#, "x".repeat(bytes.saturating_sub(frame)))
}

/// Data of so many bytes that says which publisher's event it is, and has room for the event's number.
pub fn numbered_body(publisher: usize, bytes: usize) -> String {
    let start = format!(r#"{{"number":"{publisher:03}-{}","data":""#, Template::NUMBER);
    let rest = bytes.saturating_sub(start.len() + r#""}"#.len());
    format!(r#"{start}{}"}}"#, "x".repeat(rest))
}

/// An event as the relay makes it of a publish.
pub fn event(topic: &str, id: &str, body: &str) -> anyhow::Result<Event> {
    let payload = Payload::json(body.as_bytes())?;
    Ok(Event {
        id: EventId::parse(id)?,
        source: SourceUri::parse("/api")?,
        topic: Topic::parse(topic)?,
        event_type: EventType::parse("bench")?,
        time: EventTime::from_unix_ms(Clock::system().now_ms()),
        data: Data { payload, content_type: Some("application/json".into()) },
        key: None,
        extensions: Vec::new(),
    })
}
