use std::pin::Pin;
use std::task::{Context, Poll};

use hookwire_freeze::BeforeFreeze;
use hookwire_http::Connection;
use lambda_http::lambda_runtime::LambdaInvocation;
use lambda_http::tower::ServiceExt;
use lambda_http::{Error, Service};
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::nodelay;

tokio::task_local! {
    /// What the answer of the invocation at hand goes out on.
    pub(crate) static GOES_OUT_ON: Connection;
}

/// Sees to it that every invocation ends: counts those that are not answered to the last byte, and gives up on answers
/// that nobody takes.
#[derive(Debug, Clone)]
pub(crate) struct Answered<S> {
    pub(crate) service: S,
    pub(crate) open: TaskTracker,
    pub(crate) before: BeforeFreeze,
}

impl<S> Service<LambdaInvocation> for Answered<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        // The connection that brought the event takes the answer.
        nodelay::everywhere();
        let connection = Connection::default();
        let before = self.before.clone();
        let answered = self.service.clone().oneshot(invocation);
        let answered = GOES_OUT_ON.scope(connection.clone(), answered);
        Box::pin(self.open.track_future(async move {
            tokio::select! {
                answered = answered => match answered {
                    Ok(()) => return Ok(()),
                    // It would end the one who asks for more work, and with many of them nobody would ask in its place.
                    Err(error) => warn!(error, "an answer was not taken to its end"),
                },
                () = connection.is_cut() => warn!("an answer that nobody took was given up"),
            }
            // The body was not asked for its end.
            before.run().await;
            Ok(())
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use http::Response;
    use lambda_http::lambda_runtime::Context as Invoked;
    use lambda_http::tower::service_fn;

    use super::*;

    fn invocation() -> LambdaInvocation {
        let (parts, ()) = Response::new(()).into_parts();
        LambdaInvocation { parts, body: Default::default(), context: Invoked::default() }
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_is_given_up_when_its_stream_says_so() {
        let open = TaskTracker::new();
        let stuck = service_fn(async |_: LambdaInvocation| {
            GOES_OUT_ON.get().cut();
            std::future::pending::<Result<(), Error>>().await
        });
        let mut answered =
            Answered { service: stuck, open: open.clone(), before: BeforeFreeze::default() };
        let given_up = tokio::time::timeout(Duration::from_secs(30), answered.call(invocation()));
        given_up.await.expect("it ends").unwrap();
        open.close();
        open.wait().await;
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_sent_does_not_end_who_asks_for_more_work() {
        let fails =
            service_fn(async |_: LambdaInvocation| Err(Error::from("the connection was reset")));
        let ran = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&ran);
        let before = BeforeFreeze::default().and(move || {
            noted.store(true, Ordering::SeqCst);
            async {}
        });
        let mut answered = Answered { service: fails, open: TaskTracker::new(), before };
        answered.call(invocation()).await.unwrap();
        assert!(ran.load(Ordering::SeqCst), "and what is done before a freeze is done");
    }
}
