use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwire_event::EventTime;
use hookwire_http::Problem;
use hookwire_log::{AppendError, BoxError, Quarantined};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::Ingress;
use crate::receive::event;

/// Most notifications in one answer.
const LISTED: usize = 100;

/// `GET /admin/quarantine`: the newest notifications, without their bodies.
pub(crate) async fn list(State(ingress): State<Arc<Ingress>>) -> Result<Json<Value>, Problem> {
    let listed = ingress.quarantine.list(LISTED).await.map_err(unavailable)?;
    Ok(Json(json!({ "notifications": listed.iter().map(summary).collect::<Vec<_>>() })))
}

/// `GET /admin/quarantine/{id}`: one notification with its body.
pub(crate) async fn show(
    State(ingress): State<Arc<Ingress>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let notification = find(&ingress, path).await?;
    let (name, body) = match std::str::from_utf8(&notification.body) {
        Ok(text) => ("body", json!(text)),
        Err(_binary) => ("body_base64", json!(STANDARD.encode(&notification.body))),
    };
    let shown = summary(&notification).into_iter();
    let content = [("headers".to_owned(), json!(notification.headers)), (name.to_owned(), body)];
    Ok(Json(shown.chain(content).collect()))
}

/// `POST /admin/quarantine/{id}/retry`: takes a notification again, with the source as it is configured now.
pub(crate) async fn retry(
    State(ingress): State<Arc<Ingress>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let notification = find(&ingress, path).await?;
    let source = ingress
        .sources
        .iter()
        .map(|(source, _)| source)
        .find(|source| source.name == notification.source);
    let source = source.ok_or_else(|| still_unusable("its source is no longer configured"))?;
    let headers: HeaderMap = notification.headers.iter().filter_map(header).collect();
    let event = event(source, &headers, &notification.body, notification.received_at_ms)
        .map_err(|unusable| still_unusable(&unusable.to_string()))?;
    let event_id = event.id.clone();
    let taken = ingress.intake.take(event).await;
    let taken = taken.map_err(|error| match error {
        AppendError::TooLarge { .. } => still_unusable(&error.to_string()),
        AppendError::Unavailable(cause) | AppendError::Unknown(cause) => unavailable(cause),
    })?;
    ingress.quarantine.remove(notification.id).await.map_err(unavailable)?;
    Ok(Json(json!({ "outcome": taken.outcome(), "id": event_id.as_str() })))
}

/// `DELETE /admin/quarantine/{id}`: throws a notification away, because somebody who looked at it says so.
pub(crate) async fn remove(
    State(ingress): State<Arc<Ingress>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let notification = find(&ingress, path).await?;
    ingress.quarantine.remove(notification.id).await.map_err(unavailable)?;
    tracing::info!(
        source = notification.source,
        quarantine.id = notification.id,
        "dropped a notification from the quarantine"
    );
    Ok(Json(json!({ "outcome": "dropped", "quarantine": notification.id })))
}

async fn find(
    ingress: &Ingress,
    path: Result<Path<String>, PathRejection>,
) -> Result<Quarantined, Problem> {
    let found = match path.ok().and_then(|Path(id)| id.parse().ok()) {
        Some(id) => ingress.quarantine.get(id).await.map_err(unavailable)?,
        None => None,
    };
    found.ok_or_else(|| {
        let detail =
            "no such notification is in the quarantine; list them with GET /admin/quarantine";
        Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
    })
}

fn summary(notification: &Quarantined) -> Map<String, Value> {
    let received_at = EventTime::from_unix_ms(notification.received_at_ms);
    [
        ("id".to_owned(), json!(notification.id)),
        ("source".to_owned(), json!(notification.source)),
        ("reason".to_owned(), json!(notification.reason)),
        ("received_at".to_owned(), json!(received_at.as_str())),
        ("body_bytes".to_owned(), json!(notification.body.len())),
    ]
    .into_iter()
    .collect()
}

fn header((name, value): &(String, String)) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, value.parse().ok()?))
}

fn still_unusable(reason: &str) -> Problem {
    let detail = format!("it stays in the quarantine: {reason}");
    Problem::new(StatusCode::CONFLICT, "still-unusable", detail)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err passes")]
fn unavailable(error: BoxError) -> Problem {
    tracing::warn!(
        error = &*error as &(dyn std::error::Error + 'static),
        "the quarantine does not answer"
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log-unavailable", "the log does not answer")
        .retry_after(std::time::Duration::from_secs(1))
}
