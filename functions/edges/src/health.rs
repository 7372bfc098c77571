use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hookwire_event::EventTime;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::readiness::{Health, Readiness, Trouble};

/// `GET /healthz` and `GET /readyz`: whether the process lives, and whether it can serve.
pub fn health(readiness: Arc<Readiness>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .with_state(readiness)
}

async fn readyz(State(readiness): State<Arc<Readiness>>) -> Response {
    let health = readiness.look().await;
    let status = match health.is_ready() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(told(&health))).into_response()
}

/// `ready`, then the reasons as texts (`reasons`, `degraded`), then the same for programs: every incident by its word, and
/// all that is known of each. What is empty is left out.
fn told(health: &Health) -> Value {
    let texts = |troubles: &[Trouble]| -> Value {
        troubles.iter().map(|trouble| trouble.words.reason).collect()
    };
    let mut told = Map::from_iter([("ready".to_owned(), health.is_ready().into())]);
    for (name, troubles) in [("reasons", &health.unready), ("degraded", &health.degraded)] {
        if !troubles.is_empty() {
            told.insert(name.to_owned(), texts(troubles));
        }
    }
    let all = || health.unready.iter().chain(&health.degraded);
    if all().next().is_some() {
        let incidents = all().map(|trouble| trouble.words.incident).collect();
        told.insert("incidents".to_owned(), incidents);
        told.insert("details".to_owned(), all().map(detail).collect());
    }
    Value::Object(told)
}

fn detail(trouble: &Trouble) -> Value {
    let words = trouble.words;
    let since = trouble.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since = EventTime::from_unix_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    json!({
        "incident": words.incident,
        "reason": words.reason,
        "since": since.as_str(),
        "do": words.todo,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Words;

    #[test]
    fn texts_stay_plain_and_what_programs_read_stands_beside_them() {
        assert_eq!(told(&Health::default()), json!({ "ready": true }));
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let trouble = |words| Trouble { words, since };
        let health = Health {
            unready: vec![trouble(Words::REDIS_UNREACHABLE)],
            degraded: vec![trouble(Words::LATE)],
        };
        let told = told(&health);
        assert_eq!(told["ready"], false);
        assert_eq!(told["reasons"], json!(["Redis does not answer"]));
        assert_eq!(told["degraded"], json!([Words::LATE.reason]));
        assert_eq!(told["incidents"], json!(["redis-unreachable", "queue-late"]));
        assert_eq!(told["details"][0]["since"], "2026-01-01T00:00:00Z");
        assert_eq!(told["details"][1]["do"], Words::LATE.todo);
    }
}
