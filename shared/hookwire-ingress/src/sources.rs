//! One file per kind of source: what its notifications mean.

mod gmail;
mod pubsub;

use hookwire_event::Event;

use crate::envelope::PubSubMessage;
use crate::source::{SourceConfig, SourceKind};
use crate::unusable::Unusable;

/// Turns a notification into the event that it means.
pub(crate) fn event(source: &SourceConfig, message: PubSubMessage) -> Result<Event, Unusable> {
    match source.kind {
        SourceKind::Gmail => gmail::event(source, message),
        SourceKind::PubSub => pubsub::event(source, message),
    }
}
