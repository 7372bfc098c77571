use crate::{
    Data, EventId, EventTime, EventType, Extension, SourceUri, Topic, TraceContext, TraceState,
};

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

/// How CloudEvents name the trace that an event belongs to.
///
/// Source: <https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md>
const TRACE_PARENT: &str = "traceparent";
const TRACE_STATE: &str = "tracestate";

impl Event {
    /// The trace that it belongs to.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        let context = TraceContext::parse(&self.text(TRACE_PARENT)?).ok()?;
        let state = self.text(TRACE_STATE);
        Some(context.with_state(state.as_deref().and_then(TraceState::parse)))
    }

    /// Has it belong to this trace, or to none.
    pub fn set_trace_context(&mut self, context: Option<&TraceContext>) {
        self.extensions.retain(|one| ![TRACE_PARENT, TRACE_STATE].contains(&one.name()));
        let Some(context) = context else { return };
        let state = context.state().map(|state| (TRACE_STATE, state.as_str().to_owned()));
        let both = [(TRACE_PARENT, context.to_string())].into_iter().chain(state);
        self.extensions.extend(both.filter_map(|(name, text)| Extension::text(name, &text).ok()));
    }

    /// Whether it seems to belong to a trace that is recorded: cheap, and only [`Event::trace_context`] knows.
    #[must_use]
    pub fn seems_sampled(&self) -> bool {
        let flags = self.extension(TRACE_PARENT).and_then(|one| one.as_json().strip_suffix('"'));
        flags.is_some_and(|text| text.ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f']))
    }

    fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.extension(name)?.as_json()).ok()
    }

    fn extension(&self, name: &str) -> Option<&Extension> {
        self.extensions.iter().find(|one| one.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Payload;

    #[test]
    fn an_event_has_one_trace_and_the_last_one_that_was_set() {
        let mut event = Event {
            id: EventId::parse("7").unwrap(),
            source: SourceUri::parse("/webhooks/x").unwrap(),
            topic: Topic::parse("a").unwrap(),
            event_type: EventType::parse("x").unwrap(),
            time: EventTime::from_unix_ms(0),
            data: Data::from(Payload::guess(b"")),
            key: None,
            extensions: vec![
                Extension::text("traceparent", "00-1").unwrap(),
                Extension::text("tracestate", "a=1").unwrap(),
                Extension::text("other", "stays").unwrap(),
            ],
        };
        assert_eq!(event.trace_context(), None);
        for sampled in [true, false] {
            let context = TraceContext::root(1, 2, sampled).unwrap();
            let context = context.with_state(TraceState::parse("b=\"2\\"));
            assert!(context.state().is_some());
            event.set_trace_context(Some(&context));
            assert_eq!(event.extensions.len(), 3);
            assert_eq!(event.trace_context(), Some(context));
            assert_eq!(event.seems_sampled(), sampled);
        }
        event.set_trace_context(None);
        assert_eq!(event.extensions.len(), 1);
        assert!(!event.seems_sampled());
    }
}
