use crate::{Data, EventId, EventTime, EventType, Extension, SourceUri, Topic};

/// One immutable fact. The same id from the same source is the same event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The identity that the source gave it.
    pub id: EventId,
    /// Who gave the id.
    pub source: SourceUri,
    /// The log it belongs to.
    pub topic: Topic,
    /// What kind of fact it is.
    pub event_type: EventType,
    /// When it happened.
    pub time: EventTime,
    /// What it carries.
    pub data: Data,
    /// What it is about inside its topic (Pub/Sub's ordering key); CloudEvents `partitionkey`.
    pub key: Option<Box<str>>,
    /// CloudEvents extension attributes, each name once.
    pub extensions: Vec<Extension>,
}
