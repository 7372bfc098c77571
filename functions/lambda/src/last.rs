use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use futures_util::future::BoxFuture;
use hookwire_freeze::BeforeFreeze;
use http_body::{Body as HttpBody, Frame};
use tracing::error;

/// A body that ends only when what has to be done before a freeze is done.
///
/// It ends where it would fail: the runtime writes an error into the answer as if it belonged there.
#[derive(Debug)]
pub(crate) struct Last {
    /// Never locked: it is there because the runtime wants what can be shared.
    at: Mutex<At>,
    before: BeforeFreeze,
}

enum At {
    Body(Body),
    /// Its last byte is sent; the client has it all, and only the invocation goes on.
    Ending(BoxFuture<'static, ()>),
    Ended,
}

impl Last {
    pub(crate) fn new(body: Body, before: BeforeFreeze) -> Self {
        Self { at: Mutex::new(At::Body(body)), before }
    }
}

impl HttpBody for Last {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let at = this.at.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            match at {
                At::Body(body) => {
                    match ready!(Pin::new(body).poll_frame(context)) {
                        Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                        Some(Err(error)) => error!(%error, "an answer ended early"),
                        None => {}
                    }
                    let before = this.before.clone();
                    // The body is dropped here: what it counts or says at its end is among what is told then.
                    *at = At::Ending(Box::pin(async move { before.run().await }));
                }
                At::Ending(ending) => {
                    ready!(ending.as_mut().poll(context));
                    *at = At::Ended;
                }
                At::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body(_) => "Body",
            Self::Ending(_) => "Ending",
            Self::Ended => "Ended",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream;
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn what_is_done_before_a_freeze_is_done_after_the_last_byte_and_once() {
        for fails in [false, true] {
            let runs = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&runs);
            let before = BeforeFreeze::default().and(move || {
                counted.fetch_add(1, Ordering::SeqCst);
                async {}
            });
            let end = fails.then_some(Err("broken"));
            let parts = [Ok("one"), Ok("two")].into_iter().chain(end);
            let mut body = Last::new(Body::from_stream(stream::iter(parts)), before);
            for part in ["one", "two"] {
                let frame = body.frame().await.unwrap().unwrap();
                assert_eq!(frame.into_data().unwrap(), part);
                assert_eq!(runs.load(Ordering::SeqCst), 0);
            }
            for _ in 0..2 {
                assert!(body.frame().await.is_none());
                assert_eq!(runs.load(Ordering::SeqCst), 1);
            }
        }
    }
}
