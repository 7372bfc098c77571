use axum::Router;
use hookwire_freeze::{BeforeFreeze, until_stopped};
use lambda_http::lambda_runtime::Runtime;
use lambda_http::lambda_runtime::layers::TracingLayer;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::{ServiceBuilder, ServiceExt, layer::layer_fn, service_fn};
use lambda_http::{Error, LambdaEvent, Request, StreamAdapter};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answered::Answered;
use crate::last::Last;
use crate::request::{known, mended};

/// Answers events with answers that go out as they come, several at once where the platform allows it, until `stop`.
///
/// `before` runs when the last byte of an answer is on its way, and the answer ends after it; it runs a last time at the stop.
///
/// # Errors
///
/// The runtime does not answer.
pub async fn serve_streaming(
    router: Router,
    before: BeforeFreeze,
    stop: CancellationToken,
) -> Result<(), Error> {
    let open = TaskTracker::new();
    let (first, last) = (before.clone(), before.clone());
    let answer = move |request: Request| {
        let answering = router.clone().oneshot(known(request));
        let last = last.clone();
        async move {
            let answer = last.if_it_panics(answering).await;
            answer.map(|answer| answer.map(|body| Last::new(body, last)))
        }
    };
    let events = ServiceBuilder::new()
        .map_request(mended as fn(LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest>)
        .service(StreamAdapter::from(service_fn(answer)));
    let tracked = open.clone();
    let counted =
        layer_fn(move |service| Answered { service, open: tracked.clone(), before: first.clone() });
    let runtime = Runtime::new(events).layer(TracingLayer::new()).layer(counted);
    until_stopped(runtime.run_concurrent(), before, stop, open).await
}
