use std::convert::Infallible;

use axum::Router;
use hookwire_freeze::{BeforeFreeze, Tracked, until_stopped};
use http_body_util::BodyExt;
use lambda_http::lambda_runtime::Runtime;
use lambda_http::lambda_runtime::layers::TracingLayer;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::{ServiceBuilder, ServiceExt, layer::layer_fn, service_fn};
use lambda_http::{Adapter, Body, Error, LambdaEvent, Request};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::request::{known, mended};

/// Answers events with whole answers, for as long as the platform asks, until `stop`.
///
/// A reply of one piece is not held up by the runtime's client, and costs nothing while its client reads it. It is sent
/// when `before` has run, which runs a last time at the stop.
///
/// # Errors
///
/// The runtime does not answer.
pub async fn serve_buffered(
    router: Router,
    before: BeforeFreeze,
    stop: CancellationToken,
) -> Result<(), Error> {
    let last = before.clone();
    let answer = move |request: Request| {
        let (router, before) = (router.clone(), before.clone());
        async move {
            let whole = async {
                let (parts, body) = match router.oneshot(known(request)).await {
                    Ok(response) => response.into_parts(),
                    Err(never) => match never {},
                };
                (parts, body.collect().await.map(|body| body.to_bytes()))
            };
            let (parts, body) = before.after(whole).await;
            // What is text stays so: in base64 it would be a third larger, and answers may have 6 MB.
            let body = body.map_or(Body::Empty, |bytes| match String::from_utf8(bytes.to_vec()) {
                Ok(text) => Body::Text(text),
                Err(binary) => Body::Binary(binary.into_bytes()),
            });
            Ok::<_, Infallible>(http::Response::from_parts(parts, body))
        }
    };
    let events = ServiceBuilder::new()
        .map_request(mended as fn(LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest>)
        .service(Adapter::from(service_fn(answer)));
    let open = TaskTracker::new();
    let tracked = open.clone();
    let counted = layer_fn(move |service| Tracked { service, open: tracked.clone() });
    let runtime = Runtime::new(events).layer(TracingLayer::new()).layer(counted);
    until_stopped(runtime.run_concurrent(), last, stop, open).await
}
