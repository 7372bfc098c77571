use hookwire_event::{
    Data, Event, EventId, EventTime, EventType, Extension, Payload, SourceUri, Topic,
};
use serde_json::Value;

use crate::scalar::scalar;
use crate::source::SourceConfig;
use crate::template::Field;
use crate::unusable::Unusable;

/// What a notification says of its event; the settings of its source give the rest.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) id: EventId,
    /// Without one the source is the one that was configured.
    pub(crate) source: Option<SourceUri>,
    pub(crate) event_type: String,
    pub(crate) time: EventTime,
    pub(crate) data: Data,
    pub(crate) key: Option<Box<str>>,
    pub(crate) extensions: Vec<Extension>,
}

impl Facts {
    pub(crate) fn new(
        id: EventId,
        event_type: impl Into<String>,
        time: EventTime,
        data: Data,
    ) -> Self {
        let event_type = event_type.into();
        Self { id, source: None, event_type, time, data, key: None, extensions: Vec::new() }
    }

    /// Makes the event; `own` fills in the fields that only this kind of source has.
    pub(crate) fn into_event(
        self,
        config: &SourceConfig,
        own: impl Fn(&Field) -> Option<String>,
    ) -> Result<Event, Unusable> {
        let event_type = match &config.event_type {
            Some(configured) => configured.clone(),
            None => event_type(&self.event_type)?,
        };
        let filled = config.topic.fill(|field| match field {
            Field::Type => Some(Topic::escape_segment(event_type.as_str())),
            Field::Source => Some(Topic::escape_segment(&config.name)),
            Field::Body(path) => in_payload(&self.data.payload, path),
            _ => own(field),
        });
        let name = filled.map_err(|field| {
            Unusable::because(format!("the notification lacks what the topic is made of: {field}"))
        })?;
        let topic = Topic::parse(&name)
            .map_err(|error| Unusable::because(format!("it gives no topic: {error}")))?;
        Ok(Event {
            id: self.id,
            source: self.source.unwrap_or_else(|| config.uri.clone()),
            topic,
            event_type,
            time: self.time,
            data: self.data,
            key: self.key,
            extensions: self.extensions,
        })
    }
}

/// A sender chooses the type of its events, and none may pass for a control event of the relay.
fn event_type(text: &str) -> Result<EventType, Unusable> {
    match EventType::parse(text) {
        Ok(control) if control.is_control() => {
            Err(Unusable::because("types that begin with `hookwire.` belong to the relay"))
        }
        parsed => parsed.map_err(|error| Unusable::because(format!("it gives no type: {error}"))),
    }
}

fn in_payload(payload: &Payload, path: &[String]) -> Option<String> {
    let Payload::Json(json) = payload else { return None };
    let whole: Value = serde_json::from_slice(json).ok()?;
    let found = path.iter().try_fold(&whole, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    });
    scalar(found?).map(|text| Topic::escape_segment(&text))
}
