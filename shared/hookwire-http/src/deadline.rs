use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// A socket that gives up on a peer which takes nothing, or which never says what it wants.
///
/// The deadline has to be here: a response body is not polled while its socket is blocked, so nothing above can
/// notice.
#[derive(Debug)]
pub(crate) struct DeadlineStream {
    stream: TcpStream,
    /// Longest time without progress of a write.
    slow_after: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Until enough was read to tell the protocol; behind that the HTTP parser has a deadline of its own.
    greeting: Option<Pin<Box<Sleep>>>,
    read_bytes: usize,
}

/// Length of the HTTP/2 preface: as long as less has come, the protocol may be undecided.
const PREFACE_BYTES: usize = 24;

impl DeadlineStream {
    pub(crate) fn new(stream: TcpStream, greet_within: Duration, slow_after: Duration) -> Self {
        let greeting = Some(Box::pin(tokio::time::sleep(greet_within)));
        Self { stream, slow_after, stalled: None, greeting, read_bytes: 0 }
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            self.greeting = None;
            return result;
        }
        let deadline = Instant::now() + self.slow_after;
        let stalled =
            self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(stalled.as_mut().poll(cx));
        metrics::counter!("hookwire_connections_closed_total", "reason" => "slow").increment(1);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing")))
    }
}

impl AsyncRead for DeadlineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.read_bytes += buf.filled().len() - before;
        if self.read_bytes >= PREFACE_BYTES {
            self.greeting = None;
        }
        if result.is_ready() {
            return result;
        }
        let Some(greeting) = &mut self.greeting else { return Poll::Pending };
        ready!(greeting.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request came")))
    }
}

impl AsyncWrite for DeadlineStream {
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
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
