use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use hookwire_access::Purpose;
use hookwire_http::{Problem, is_json, media_type, read_body};
use http::StatusCode;
use serde::Deserialize;

use crate::api::Api;
use crate::{bad_request, place_in_json};

#[derive(Deserialize)]
struct Ack {
    client: String,
    cursor: String,
}

/// `POST /ack`: leaves a cursor, from which `GET /events?client=…` of the same user resumes.
pub(crate) async fn post_ack(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let (request, body) = request.into_parts();
    let identity = api.parts.access.identify(&request, Purpose::Change).await?.identity;
    if !is_json(&media_type(&request.headers)) {
        let detail = "send application/json as Content-Type";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", detail));
    }
    let body = read_body(&request.headers, body, 8 * 1024, Duration::from_secs(10)).await?;
    let ack: Ack = serde_json::from_slice(&body).map_err(|error| {
        let place = place_in_json(&error);
        bad_request("bad-ack", format!("expects {{\"client\":\"…\",\"cursor\":\"…\"}} ({place})"))
    })?;
    if ack.client.is_empty() || ack.client.len() > 256 || ack.cursor.len() > 2_048 {
        let detail = "client has 1 to 256 bytes, cursor at most 2048";
        return Err(bad_request("bad-ack", detail));
    }
    let left =
        api.parts.cursors.put(&identity.owner_of(&ack.client), &ack.client, &ack.cursor).await;
    left.map_err(|_cause| {
        let detail = "what keeps the cursors does not answer; try again";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .retry_after(Duration::from_secs(1))
    })?;
    Ok(StatusCode::NO_CONTENT)
}
