use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What a relay does wrong that ours cannot be made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// Says `duplicate`, and delivers it all the same.
    DeliversTwice,
    /// Says `appended` of the same id again, and delivers it once.
    SaysAppended,
    /// Resumes one event too late.
    Skips,
    /// Resumes one event too early.
    Repeats,
}

struct Fake {
    lie: Lie,
    events: watch::Sender<Vec<Value>>,
}

/// Starts a relay of one topic that lies, and returns its address.
pub(super) async fn start(lie: Lie) -> String {
    let fake = Arc::new(Fake { lie, events: watch::Sender::new(Vec::new()) });
    let router = Router::new()
        .route("/healthz", get(async || "alive"))
        .route("/readyz", get(async || Json(json!({ "ready": true }))))
        .route("/topics/{*topic}", post(publish))
        .route("/events", get(follow))
        .with_state(fake);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn publish(
    State(fake): State<Arc<Fake>>,
    Path(topic): Path<String>,
    headers: HeaderMap,
    Json(data): Json<Value>,
) -> Json<Value> {
    let id = headers["idempotency-key"].to_str().unwrap();
    let event = json!({ "specversion": "1.0", "id": id, "subject": topic, "data": data });
    let known = fake.events.borrow().iter().any(|event| event["id"] == id);
    if !known || fake.lie == Lie::DeliversTwice {
        fake.events.send_modify(|events| events.push(event));
    }
    let duplicate = known && fake.lie != Lie::SaysAppended;
    Json(json!({ "outcome": if duplicate { "duplicate" } else { "appended" } }))
}

async fn follow(State(fake): State<Arc<Fake>>, headers: HeaderMap) -> impl IntoResponse {
    let events = fake.events.subscribe();
    let last: Option<usize> =
        headers.get("last-event-id").map(|id| id.to_str().unwrap().parse().unwrap());
    let after = match (last, fake.lie) {
        (Some(last), Lie::Skips) => last + 1,
        (Some(last), Lie::Repeats) => last - 1,
        (Some(last), _) => last,
        (None, _) => events.borrow().len(),
    };
    let stream = unfold(
        (events, None),
        move |(mut events, sent): (watch::Receiver<Vec<Value>>, Option<usize>)| async move {
            let Some(sent) = sent else {
                return Some((format!("retry: 1\n\nid: {after}\n\n"), (events, Some(after))));
            };
            let event = events.wait_for(|events| events.len() > sent).await.ok()?[sent].clone();
            let id = sent + 1;
            Some((format!("id: {id}\nevent: smoke.test\ndata: {event}\n\n"), (events, Some(id))))
        },
    );
    let body = Body::from_stream(futures_util::StreamExt::map(stream, Ok::<_, std::io::Error>));
    ([("content-type", "text/event-stream")], body)
}
