use std::sync::Arc;

use hookwire_log::Entry;
use hookwire_traces::{Span, Traced, Tracer};

use crate::{Codec, Frame};

/// Makes frames, and has the deliveries of some recorded.
#[derive(Debug, Clone)]
pub(crate) struct Encoder {
    pub(crate) codec: Arc<dyn Codec>,
    pub(crate) tracer: Tracer,
}

impl Encoder {
    /// The frame of an entry that was heard of, and the span of handing it out, which ends when every session may have it.
    pub(crate) fn heard(&self, entry: &Entry) -> (Frame, Option<Span>) {
        let heard = Traced::heard(&self.tracer, &entry.event);
        let (span, traced) = heard.unzip();
        (Frame { traced, ..self.codec.encode(entry) }, span)
    }

    /// The frame of an entry that was read from the log.
    pub(crate) fn read(&self, entry: &Entry) -> Frame {
        let traced = Traced::read(&self.tracer, &entry.event);
        Frame { traced, ..self.codec.encode(entry) }
    }
}
