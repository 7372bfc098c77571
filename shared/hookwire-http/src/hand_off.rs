use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::seats::BusySeat;

/// Offers the connection of a request to whoever answers it, once the head of the answer is written; in the extensions of
/// requests over HTTP/1.1 in the clear.
///
/// An answer that lasts for hours needs no parser and no buffers of its own beside its socket: they are nine tenths of the
/// memory of an idle stream.
#[derive(Debug, Clone)]
pub struct HandOff {
    shared: Arc<Shared>,
    cut: CancellationToken,
}

/// A connection on which an answer has begun, in chunked coding.
#[derive(Debug)]
pub struct Handed {
    /// The socket, not blocking.
    pub socket: std::net::TcpStream,
    /// What the listener keeps for it; to be dropped with the socket.
    pub kept: Kept,
}

/// The seat of a connection that was handed off, and its part in what a stop waits for.
#[derive(Debug)]
pub struct Kept {
    pub(crate) _seat: BusySeat,
    pub(crate) _tracked: TaskTrackerToken,
}

type Taker = Box<dyn FnOnce(Handed) + Send>;

/// What the answer's body, the socket and the listener know of it.
struct Shared {
    step: AtomicU8,
    taker: Mutex<Option<Taker>>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Step {
    /// Nobody wants the connection so far.
    Offered,
    /// The answer's beginning was given to be written.
    Begun,
    /// And is written.
    Written,
}

impl HandOff {
    /// `cut` is cancelled when every connection has to end at once.
    pub(crate) fn new(cut: CancellationToken) -> Self {
        let step = AtomicU8::new(Step::Offered as u8);
        Self { shared: Arc::new(Shared { step, taker: Mutex::default() }), cut }
    }

    /// Cancelled when the connection, as every other one, has to be closed at once.
    #[must_use]
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    /// The body of an answer that begins with `first`; then `taker` has the connection. If it ends before, the taker is
    /// dropped.
    pub fn body(self, first: Bytes, taker: impl FnOnce(Handed) + Send + 'static) -> Body {
        *self.taker() = Some(Box::new(taker));
        Body::new(Beginning { first: Some(first), shared: self.shared })
    }

    /// Notes that everything given to the socket so far is written.
    pub(crate) fn flushed(&self) {
        self.shared.goes_on(Step::Begun, Step::Written);
    }

    /// Who has the connection from now on.
    pub(crate) fn take(&self) -> Option<Taker> {
        let is_written = self.shared.step.load(Ordering::Acquire) == Step::Written as u8;
        if is_written { self.taker().take() } else { None }
    }

    fn taker(&self) -> MutexGuard<'_, Option<Taker>> {
        self.shared.taker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn goes_on(&self, from: Step, to: Step) {
        // One task asks the body, writes and looks: nothing comes in between.
        if self.step.load(Ordering::Acquire) == from as u8 {
            self.step.store(to as u8, Ordering::Release);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("step", &self.step).finish_non_exhaustive()
    }
}

/// The beginning of an answer whose rest somebody else writes.
struct Beginning {
    first: Option<Bytes>,
    shared: Arc<Shared>,
}

impl http_body::Body for Beginning {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => {
                // Nobody needs to be woken: what was given is flushed next, and then the listener looks. It may be asked
                // again after that, too.
                self.shared.goes_on(Step::Offered, Step::Begun);
                Poll::Pending
            }
        }
    }
}
