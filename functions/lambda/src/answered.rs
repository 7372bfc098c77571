use std::pin::Pin;
use std::task::{Context, Poll};

use lambda_http::Service;
use lambda_http::lambda_runtime::LambdaInvocation;
use tokio_util::task::TaskTracker;

use crate::nodelay;

/// Counts the invocations that are not answered to the last byte.
#[derive(Debug, Clone)]
pub(crate) struct Answered<S> {
    pub(crate) service: S,
    pub(crate) open: TaskTracker,
}

impl<S> Service<LambdaInvocation> for Answered<S>
where
    S: Service<LambdaInvocation>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        // The connection that brought the event takes the answer.
        nodelay::everywhere();
        Box::pin(self.open.track_future(self.service.call(invocation)))
    }
}
