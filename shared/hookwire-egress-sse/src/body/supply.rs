use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use bytes::Bytes;
use hookwire_hub::{Feed, Now, Run};
use hookwire_writer::{Chunk, Next, Supply};
use tokio::time::Instant;

use super::Stream;
use crate::control;

/// A stream whose connection was handed off: what its topics' rings have goes out at once, and everything else a task finds
/// out, in the form in which a body would have it.
impl Supply for Stream {
    fn next(&mut self, now: std::time::Instant) -> Next {
        if self.ended {
            return Next::End;
        }
        let now = Instant::from_std(now);
        let (ends_at, _) = self.end.next();
        let told_to_end = self.place.as_ref().is_some_and(|place| place.has_ended());
        let draining = self.egress.writing.draining.load(Ordering::Acquire);
        if now >= ends_at || self.bytes_left == 0 || told_to_end || draining {
            return Next::Fetch;
        }
        match self.session.now() {
            Now::Run(index, run) => {
                self.heartbeat_at = now + self.egress.config.heartbeat;
                let chunk = self.chunk(index, &run, now);
                self.bytes_left = self.bytes_left.saturating_sub(chunk.len() as u64);
                Next::Bytes(chunk)
            }
            Now::Nothing if now >= self.heartbeat_at => {
                self.heartbeat_at = now + self.egress.config.heartbeat;
                Next::Bytes(Bytes::from_static(control::HEARTBEAT_CHUNK))
            }
            Now::Nothing => {
                let until = self.heartbeat_at.min(ends_at).into_std();
                Next::Nothing { until }
            }
            Now::Ask => Next::Fetch,
        }
    }

    async fn fetch(mut self: Box<Self>) -> (Box<Self>, Bytes) {
        let bytes = self.advance(false).await.filter(|bytes| !bytes.is_empty());
        let chunk = bytes.map_or_else(Bytes::new, |bytes| Chunk::of(&bytes));
        (self, chunk)
    }

    fn feeds(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.session.feeds()
    }

    fn wake_by(&mut self, waker: impl FnOnce() -> Waker) {
        if let Some(place) = &mut self.place {
            // It is looked at next, whatever this answers.
            let _pending = place.poll_ended(&mut Context::from_waker(&waker()));
        }
    }

    fn stalled(&mut self) {
        self.open.stalled();
    }
}

impl Stream {
    fn chunk(&mut self, index: usize, run: &Run, now: Instant) -> Bytes {
        self.note(run, now);
        if self.follows_one() {
            return run.framed(|frames| {
                let bytes = frames.iter().map(|frame| frame.whole.len()).sum();
                let mut chunk = Chunk::with_capacity(bytes);
                frames.iter().for_each(|frame| chunk.push(&frame.whole));
                chunk.framed()
            });
        }
        let mut chunk = Chunk::with_capacity(0);
        self.write_frames(index, run, |part| chunk.push(part));
        chunk.framed()
    }
}
