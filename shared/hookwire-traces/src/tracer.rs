use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use hookwire_event::{Event, TraceContext};

use crate::rate::Rate;
use crate::{Arrival, Ended, Kind, Sampler, Span};

/// Takes spans that have ended.
pub trait Sink: fmt::Debug + Send + Sync + 'static {
    /// Takes one. Called where events are appended and delivered: it must not wait, and throws away what it has no room for.
    fn take(&self, span: Ended);
}

/// Begins spans, or none at all.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<On>>);

#[derive(Debug)]
pub(crate) struct On {
    sampler: Sampler,
    sink: Arc<dyn Sink>,
    pub(crate) deliveries: Rate,
}

impl Tracer {
    /// A tracer whose spans go to `sink`; the default one is off.
    pub fn new(sampler: Sampler, sink: Arc<dyn Sink>) -> Self {
        Self(Some(Arc::new(On { sampler, sink, deliveries: Rate::default() })))
    }

    /// Whether anything is recorded.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A request that may bring an event.
    #[must_use]
    pub fn arrival(&self, name: &'static str) -> Arrival {
        Arrival::new(self.0.clone(), name)
    }

    /// Something that happens to an event, if its trace is recorded.
    #[must_use]
    pub fn below(&self, event: &Event, name: &'static str, kind: Kind) -> Span {
        let Some(on) = self.0.as_ref().filter(|_| event.seems_sampled()) else {
            return Span::default();
        };
        let Some(parent) = event.trace_context() else { return Span::default() };
        let mut span = on.begin(name, kind, Some(&parent), SystemTime::now());
        span.about(event);
        span
    }

    pub(crate) fn on(&self) -> Option<&Arc<On>> {
        self.0.as_ref()
    }
}

impl On {
    pub(crate) fn begin(
        self: &Arc<Self>,
        name: &'static str,
        kind: Kind,
        parent: Option<&TraceContext>,
        start: SystemTime,
    ) -> Span {
        let trace_id = parent.map_or_else(|| fastrand::u128(1..), TraceContext::trace_id);
        if !self.sampler.samples(trace_id, parent) {
            return Span::default();
        }
        let span_id = fastrand::u64(1..);
        let context = match parent {
            Some(parent) => parent.child(span_id, true),
            None => TraceContext::root(trace_id, span_id, true),
        };
        let parent = parent.map(TraceContext::span_id);
        context.map_or_else(Span::default, |context| {
            Span::begin(Arc::clone(self), name, kind, context, parent, start)
        })
    }

    pub(crate) fn samples(&self, parent: &TraceContext) -> bool {
        self.sampler.samples(parent.trace_id(), Some(parent))
    }

    pub(crate) fn take(&self, span: Ended) {
        self.sink.take(span);
    }
}
