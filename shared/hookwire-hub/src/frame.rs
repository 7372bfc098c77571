use std::fmt;
use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use hookwire_event::Position;
use hookwire_log::{Accepted, Entry};

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
}

impl Run {
    pub(crate) fn new(frames: Vec<Frame>) -> Self {
        Self { frames, joined: OnceLock::new() }
    }

    /// The frames, oldest first.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
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
}
