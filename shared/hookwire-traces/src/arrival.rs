use std::sync::Arc;
use std::time::SystemTime;

use hookwire_event::Event;

use crate::tracer::On;
use crate::{Kind, Span};

/// A request that may bring an event. Whose trace it belongs to is known only when the event is.
///
/// A trace that somebody names is taken up with the event, and so not before he has proven himself: else anybody could
/// have everything recorded.
#[derive(Debug)]
pub struct Arrival {
    on: Option<(Arc<On>, SystemTime)>,
    name: &'static str,
    span: Option<Span>,
}

impl Arrival {
    pub(crate) fn new(on: Option<Arc<On>>, name: &'static str) -> Self {
        Self { on: on.map(|on| (on, SystemTime::now())), name, span: None }
    }

    /// Takes up the trace of the event that it brought, or begins one, and has the event go on in it if it is recorded.
    pub fn brought(&mut self, event: &mut Event) {
        let Some((on, start)) = &self.on else { return };
        let mut span = on.begin(self.name, Kind::Server, event.trace_context().as_ref(), *start);
        if let Some(context) = span.context() {
            event.set_trace_context(Some(context));
        }
        span.about(event);
        self.span = Some(span);
    }

    /// The span of the whole request, to say in it how that ended.
    #[must_use]
    pub fn into_span(self) -> Span {
        match (self.span, self.on) {
            (Some(span), _) => span,
            (None, Some((on, start))) => on.begin(self.name, Kind::Server, None, start),
            (None, None) => Span::default(),
        }
    }
}
