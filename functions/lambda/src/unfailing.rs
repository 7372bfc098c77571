use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame};
use tracing::error;

/// A body that ends where it would fail: the runtime writes an error into the answer as if it belonged there.
#[derive(Debug)]
pub(crate) struct Unfailing {
    /// Never locked: it is there because the runtime wants what can be shared.
    body: Mutex<Body>,
}

impl From<Body> for Unfailing {
    fn from(body: Body) -> Self {
        Self { body: Mutex::new(body) }
    }
}

impl HttpBody for Unfailing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = self.get_mut().body.get_mut().unwrap_or_else(PoisonError::into_inner);
        Poll::Ready(match ready!(Pin::new(body).poll_frame(context)) {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                error!(%error, "an answer ended early");
                None
            }
            None => None,
        })
    }
}
