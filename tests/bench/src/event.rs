use hookwire_event::{Data, Event, EventId, EventTime, EventType, Payload, SourceUri, Topic};
use hookwire_log::Clock;

/// Data of an event, of so many bytes.
pub fn body(bytes: usize) -> String {
    let frame = r#"{"data":""}"#.len();
    format!(r#"{{"data":"{}"}}"#, "x".repeat(bytes.saturating_sub(frame)))
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
