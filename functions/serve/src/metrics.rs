use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hookwire_boot::telemetry::panics;
use hookwire_edges::Readiness;
use hookwire_http::Problem;
use hookwire_metrics::{Exposition, Registry};
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};
use tokio::time::timeout;

/// How long the log may take to say that it is ready: whoever collects gives up after ten seconds.
const READY_WITHIN: Duration = Duration::from_secs(1);

/// Counts from now on, if that is asked for.
pub(crate) fn start(counts: bool) -> anyhow::Result<Option<Registry>> {
    let registry = counts.then(Registry::new);
    if let Some(registry) = &registry {
        registry.install()?;
    }
    Ok(registry)
}

/// `GET /metrics`, for Prometheus.
pub(crate) fn router(registry: Option<Registry>, readiness: Arc<Readiness>) -> Router {
    let Some(registry) = registry else { return Router::new().route("/metrics", get(off)) };
    let page = async move |headers: HeaderMap| page(&registry, &readiness, &headers).await;
    Router::new().route("/metrics", get(page))
}

async fn page(registry: &Registry, readiness: &Readiness, headers: &HeaderMap) -> Response {
    let looked = timeout(READY_WITHIN, readiness.look()).await;
    let ready = looked.is_ok_and(|health| health.is_ready());
    metrics::gauge!("hookwire_ready").set(if ready { 1 } else { 0 });
    metrics::counter!("hookwire_panics_total").absolute(panics());
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let exposition = Exposition::accepted(accept);
    let headers = [(CONTENT_TYPE, exposition.content_type()), (VARY, "accept")];
    (headers, registry.exposed(exposition)).into_response()
}

async fn off() -> Problem {
    let detail = "nothing is counted; set HOOKWIRE_METRICS=on";
    Problem::new(StatusCode::NOT_FOUND, "metrics-off", detail)
}
