use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::activity::{Activity, Overdue};
use crate::{HandOff, Stalled};

/// A socket that gives up on a peer which takes nothing, and says what passes.
///
/// The deadline has to be here: a response body is not polled while its socket is blocked, so nothing above can
/// notice.
#[derive(Debug)]
pub(crate) struct DeadlineStream<S> {
    stream: S,
    activity: Arc<Activity>,
    /// Longest time without progress of a write.
    slow_after: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// What the answers on it learn of.
    given_up: Stalled,
    hand_off: Option<HandOff>,
    /// What was read to see what the peer speaks.
    first: Bytes,
}

impl<S> DeadlineStream<S> {
    pub(crate) fn new(
        stream: S,
        activity: Arc<Activity>,
        slow_after: Duration,
        given_up: Stalled,
    ) -> Self {
        let (stalled, hand_off, first) = (None, None, Bytes::new());
        Self { stream, activity, slow_after, stalled, given_up, hand_off, first }
    }

    /// Gives `first` to whoever reads next.
    pub(crate) fn unread(&mut self, first: Bytes) {
        self.first = first;
    }

    /// Has `hand_off` told when what it began is written.
    pub(crate) fn offer(&mut self, hand_off: HandOff) {
        self.hand_off = Some(hand_off);
    }

    pub(crate) fn into_inner(self) -> S {
        self.stream
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if result.is_ready() {
            self.stalled = None;
            if let Poll::Ready(Ok(bytes)) = &result {
                self.activity.wrote(*bytes);
            }
            return result;
        }
        let deadline = Instant::now() + self.slow_after;
        let stalled =
            self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(stalled.as_mut().poll(cx));
        Overdue::Slow.count();
        self.given_up.note();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DeadlineStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let some = self.first.len().min(buf.remaining());
            buf.put_slice(&self.first.split_to(some));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.read();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DeadlineStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It is asked for this only when it was given everything.
        if let Some(hand_off) = &self.hand_off {
            hand_off.flushed();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
