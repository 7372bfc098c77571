use hookwire_event::{Data, EventId, Payload};
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use uuid::Uuid;

use crate::scalar::scalar;
use crate::unusable::Unusable;

/// Where a sender without a scheme of its own puts the id of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdFrom {
    /// In a header. A signature does not cover it: who captured a push can send it under another id as long as its
    /// signature counts.
    Header(HeaderName),
    /// In the body, at this JSON pointer, such as `/event/id`.
    Pointer(String),
}

impl IdFrom {
    /// The sender's id, or one that nothing else has: a push without an id is never a duplicate.
    pub(crate) fn id(&self, headers: &HeaderMap, data: &Data) -> Result<EventId, Unusable> {
        let text = match self {
            Self::Header(name) => {
                headers.get(name).map(|value| value.to_str().ok().map(str::to_owned))
            }
            Self::Pointer(pointer) => in_payload(&data.payload, pointer),
        };
        match text {
            None => event_id(&Uuid::now_v7().to_string()),
            Some(None) => {
                Err(Unusable::because("its id is neither a text nor a number of 64 bits"))
            }
            Some(Some(text)) => event_id(&text),
        }
    }

    /// Whether the quarantine must keep this header.
    pub(crate) fn reads(&self, header: &HeaderName) -> bool {
        matches!(self, Self::Header(name) if name == header)
    }
}

/// An id that a sender chose.
pub(crate) fn event_id(text: &str) -> Result<EventId, Unusable> {
    EventId::parse(text).map_err(|error| Unusable::because(format!("its id is none: {error}")))
}

/// `None` when nothing is there, `Some(None)` when it is something that is no id.
fn in_payload(payload: &Payload, pointer: &str) -> Option<Option<String>> {
    let Payload::Json(json) = payload else { return None };
    let whole: Value = serde_json::from_slice(json).ok()?;
    whole.pointer(pointer).filter(|value| !value.is_null()).map(scalar)
}
