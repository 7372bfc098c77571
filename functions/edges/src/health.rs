use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hookwire_log::{Lateness, Log};
use http::StatusCode;
use serde_json::json;

/// `GET /healthz` and `GET /readyz`: whether the process lives, and whether it can serve.
pub fn health(log: Arc<dyn Log>, lateness: Lateness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .with_state((log, lateness))
}

async fn readyz(State((log, lateness)): State<(Arc<dyn Log>, Lateness)>) -> Response {
    match log.ready().await {
        // It serves, and what it serves is not all yet.
        Ok(()) if lateness.is_late() => {
            let late =
                "events may come late: the log did not answer, or the queue has some that it lacks";
            Json(json!({ "ready": true, "degraded": [late] })).into_response()
        }
        Ok(()) => Json(json!({ "ready": true })).into_response(),
        Err(error) => {
            let cause =
                std::error::Error::source(&error).map_or_else(String::new, ToString::to_string);
            let body = json!({ "ready": false, "reasons": [format!("{error}: {cause}")] });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
