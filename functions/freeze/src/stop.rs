use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lambda_runtime::tower::ServiceExt;
use lambda_runtime::{LambdaInvocation, Service};
use lambda_runtime_api_client::BoxError;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::{BeforeFreeze, register};

/// How long answers have to end after a stop; the platform kills the process half a second after it has asked.
///
/// Source: <https://github.com/aws-samples/graceful-shutdown-with-aws-lambda>
const STOP_WITHIN: Duration = Duration::from_millis(400);

/// Runs until `stop`, and then until every open invocation has ended, for as long as the platform waits; then `before` runs a
/// last time.
///
/// # Errors
///
/// The runtime does not answer.
pub async fn until_stopped(
    runs: impl Future<Output = Result<(), BoxError>>,
    before: BeforeFreeze,
    stop: CancellationToken,
    open: TaskTracker,
) -> Result<(), BoxError> {
    if let Err(error) = register().await {
        warn!(error, "this process will not hear when it is about to be ended");
    }
    let ended = tokio::select! {
        ended = runs => ended,
        () = stopped(stop, open) => Ok(()),
    };
    before.run().await;
    ended
}

async fn stopped(stop: CancellationToken, open: TaskTracker) {
    stop.cancelled().await;
    open.close();
    match timeout(STOP_WITHIN, open.wait()).await {
        Ok(()) => info!("stopped"),
        Err(_elapsed) => warn!("stopped before all answers had ended"),
    }
}

/// Counts invocations as open until their answers are handed over.
#[derive(Debug, Clone)]
pub struct Tracked<S> {
    /// Who answers them.
    pub service: S,
    /// Those that are open.
    pub open: TaskTracker,
}

impl<S> Service<LambdaInvocation> for Tracked<S>
where
    S: Service<LambdaInvocation, Response = (), Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        Box::pin(self.open.track_future(self.service.clone().oneshot(invocation)))
    }
}
