//! The nouns of the relay. No I/O, no async, no clock.
//!
//! | Word | Means |
//! |---|---|
//! | *event*, *event id* | one immutable fact; the same id from the same source is the same event |
//! | *topic* | a name; its ordered, bounded history is its *log* |
//! | *tenant* | one of several parties that share a relay and see nothing of each other |
//! | *position* | a place in one topic's log, `<generation>-<k>`; a client's *cursor* is made of positions |
//! | *gap* | a stretch of a log that a reader asked for and that is not there |
//!
//! A value of these types is valid by construction: what parses here needs no second check further in.

mod cloud_event;
mod data;
mod event;
mod extension;
mod id;
mod position;
mod record;
mod tenant;
mod time;
mod topic;
mod trace_context;
mod trace_state;

pub use cloud_event::write_cloud_event;
pub use data::{Data, Payload};
pub use event::Event;
pub use extension::{Extension, InvalidExtension};
pub use id::{EventId, EventType, InvalidName, SourceUri};
pub use position::{InvalidPosition, Position};
pub use record::{CorruptRecord, decode_record, encode_record, record_bytes};
pub use tenant::{InvalidTenant, Tenant};
pub use time::{EventTime, InvalidTime};
pub use topic::{InvalidTopic, Topic};
pub use trace_context::{InvalidTraceContext, TraceContext};
pub use trace_state::TraceState;
