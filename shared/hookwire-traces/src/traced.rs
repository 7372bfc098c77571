use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use hookwire_event::{Event, TraceContext};

use crate::tracer::On;
use crate::{Kind, Span, Tracer};

/// An event of a recorded trace that is on its way to streams.
///
/// Of thousands that have it only some are recorded: the first, the tenth, the hundredth and so on, which shows how long
/// the way is and how long the last of them wait.
#[derive(Debug)]
pub struct Traced {
    on: Arc<On>,
    parent: TraceContext,
    since: SystemTime,
    from: &'static str,
    streams: AtomicU32,
}

impl Traced {
    /// An event that was heard of; its span is that of handing it to all streams.
    #[must_use]
    pub fn heard(tracer: &Tracer, event: &Event) -> Option<(Span, Arc<Self>)> {
        let on = tracer.on()?;
        let span = tracer.below(event, "fan out", Kind::Consumer);
        let parent = span.context()?.clone();
        Some((span, Self::new(on, parent, "ring")))
    }

    /// An event that was read from the log for streams that have not heard of it.
    #[must_use]
    pub fn read(tracer: &Tracer, event: &Event) -> Option<Arc<Self>> {
        let on = tracer.on().filter(|_| event.seems_sampled())?;
        let parent = event.trace_context().filter(|parent| on.samples(parent))?;
        Some(Self::new(on, parent, "log"))
    }

    fn new(on: &Arc<On>, parent: TraceContext, from: &'static str) -> Arc<Self> {
        let (on, since) = (Arc::clone(on), SystemTime::now());
        Arc::new(Self { on, parent, since, from, streams: AtomicU32::new(0) })
    }

    /// Notes that one more stream has it.
    pub fn delivered(&self) {
        let streams = self.streams.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let is_shown = 10_u32.pow(streams.ilog10()) == streams;
        if is_shown && self.on.deliveries.lets_through(SystemTime::now()) {
            let parent = Some(&self.parent);
            let mut span = self.on.begin("deliver", Kind::Producer, parent, self.since);
            span.set("hookwire.from", self.from);
            span.set("hookwire.streams", streams);
        }
    }
}
