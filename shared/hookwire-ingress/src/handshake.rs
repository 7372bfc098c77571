use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hookwire_http::Problem;
use http::header::ALLOW;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::Ingress;
use crate::receive::SourceIndex;
use crate::source::Proof;

/// `OPTIONS /webhooks/{source}`: lets a sender of CloudEvents push, and tells how often.
///
/// Any origin is allowed: what lets a push in is its secret, and an origin is only a name that anybody can use.
/// Source: <https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection>
pub(crate) async fn answer(
    State((ingress, SourceIndex(index))): State<(Arc<Ingress>, SourceIndex)>,
    headers: HeaderMap,
) -> Response {
    let Some(origin) = headers.get("webhook-request-origin") else {
        let detail =
            "a sender that asks whether it may push names itself in WebHook-Request-Origin";
        return Problem::new(StatusCode::BAD_REQUEST, "no-origin", detail).into_response();
    };
    let proof = ingress.sources.get(index).map(|(source, _)| source.kind.proof());
    let per_minute = match proof {
        Some(Proof::Headers | Proof::Body) => ingress.limits.sources.quota().per_minute,
        Some(Proof::Nothing) | None => ingress.limits.clients.quota().per_minute,
    };
    let answer = [
        (ALLOW.as_str(), HeaderValue::from_static("POST, OPTIONS")),
        ("webhook-allowed-origin", origin.clone()),
        ("webhook-allowed-rate", HeaderValue::from(per_minute.get())),
    ];
    answer.into_response()
}
