use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use hookwire_http::{Problem, is_json, media_type, read_body};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;

use crate::{Egress, bad_request};

/// Cursors that clients have left with the relay, instead of keeping them themselves.
#[derive(Debug, Default)]
pub(crate) struct Acks(Mutex<HashMap<String, (String, Instant)>>);

impl Acks {
    /// How long a cursor is kept.
    const KEPT: Duration = Duration::from_hours(24);
    /// Most cursors kept; the ones left longest ago go first.
    const MOST: usize = 100_000;

    pub(crate) fn get(&self, client: &str) -> Option<String> {
        let acks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (cursor, at) = acks.get(client)?;
        (at.elapsed() < Self::KEPT).then(|| cursor.clone())
    }

    fn set(&self, client: String, cursor: String) {
        let mut acks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if acks.len() >= Self::MOST && !acks.contains_key(&client) {
            acks.retain(|_, (_, at)| at.elapsed() < Self::KEPT);
            // Rather forget half of all clients at once than look for the oldest at every call.
            let mut left: Vec<Instant> = acks.values().map(|(_, at)| *at).collect();
            if left.len() >= Self::MOST {
                let (_, middle, _) = left.select_nth_unstable(Self::MOST / 2);
                let middle = *middle;
                acks.retain(|_, (_, at)| *at > middle);
            }
        }
        acks.insert(client, (cursor, Instant::now()));
    }
}

#[derive(Deserialize)]
struct Ack {
    client: String,
    cursor: String,
}

/// `POST /ack`: leaves a cursor, from which `GET /events?client=…` resumes.
pub(crate) async fn post_ack(
    State(egress): State<Arc<Egress>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    if !is_json(&media_type(&headers)) {
        let detail = "send application/json as Content-Type";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", detail));
    }
    let body = read_body(&headers, body, 8 * 1024, Duration::from_secs(10)).await?;
    let ack: Ack = serde_json::from_slice(&body).map_err(|error| {
        bad_request("bad-ack", format!("expects {{\"client\",\"cursor\"}}: {error}"))
    })?;
    if ack.client.is_empty() || ack.client.len() > 256 || ack.cursor.len() > 2_048 {
        let detail = "client has 1 to 256 bytes, cursor at most 2048";
        return Err(bad_request("bad-ack", detail));
    }
    egress.acks.set(ack.client, ack.cursor);
    Ok(StatusCode::NO_CONTENT)
}
