use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use hookwire_event::Position;
use hookwire_log::{Accepted, Entry};
use hookwire_traces::Traced;

/// Encodes an entry for one transport, once for all its connections.
pub trait Codec: fmt::Debug + Send + Sync + 'static {
    /// The frame of an entry.
    fn encode(&self, entry: &Entry) -> Frame;
}

/// One entry as it goes over the wire.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Where the entry stands.
    pub position: Position,
    /// The whole frame, with the cursor of a connection that follows this one topic.
    pub whole: Bytes,
    /// Length of the part in front that names the cursor; a connection over several topics has its own.
    pub id_bytes: usize,
    /// When the append of the entry was asked for, if it was just published.
    pub accepted: Option<Accepted>,
    /// What its deliveries are noted in, if its trace is recorded; the hub sees to it.
    pub traced: Option<Arc<Traced>>,
}

impl Frame {
    /// The frame without the part that names the cursor.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.whole.slice(self.id_bytes.min(self.whole.len())..)
    }
}

/// Frames that follow one another without a hole; never empty when delivered.
#[derive(Debug, Default)]
pub struct Run {
    frames: Vec<Frame>,
    joined: OnceLock<Bytes>,
    framed: OnceLock<Bytes>,
    /// Of some of the frames; kept apart, so that a delivery of thousands need not look at them all.
    traced: Vec<Arc<Traced>>,
}

impl Run {
    pub(crate) fn new(frames: Vec<Frame>) -> Self {
        let traced = frames.iter().filter_map(|frame| frame.traced.clone()).collect();
        Self { frames, joined: OnceLock::new(), framed: OnceLock::new(), traced }
    }

    /// The frames, oldest first.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Notes that one more connection has it.
    pub fn delivered(&self) {
        self.traced.iter().for_each(|traced| traced.delivered());
    }

    /// Where the last frame stands.
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        self.frames.last().map(|frame| frame.position)
    }

    /// All frames as one piece, joined once for everybody who takes this run.
    #[must_use]
    pub fn joined(&self) -> Bytes {
        let joined = self.joined.get_or_init(|| match self.frames.as_slice() {
            [only] => only.whole.clone(),
            frames => {
                let size_bytes = frames.iter().map(|frame| frame.whole.len()).sum();
                let mut joined = BytesMut::with_capacity(size_bytes);
                frames.iter().for_each(|frame| joined.extend_from_slice(&frame.whole));
                joined.freeze()
            }
        });
        joined.clone()
    }
    /// All frames as one piece in a framing around it, made once for everybody who takes this run so framed.
    #[must_use]
    pub fn framed(&self, frame: impl FnOnce(&[Frame]) -> Bytes) -> Bytes {
        self.framed.get_or_init(|| frame(&self.frames)).clone()
    }
}
