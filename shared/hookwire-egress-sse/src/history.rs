use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use hookwire_access::Purpose;
use hookwire_event::write_cloud_event;
use hookwire_http::Problem;
use hookwire_log::{Gap, Page, PageLimit, Start};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;

use crate::api::Api;
use crate::control::gap_members;
use crate::{bad_request, granted, in_time, query_value, topic_of, unavailable};

/// Most bytes of a page's events, which escapes and base64 make larger: a function's answer may have 6 MB.
const PAGE_BYTES: usize = 2 * 1024 * 1024;
/// Events of a page when no limit is given, and the highest limit.
const DEFAULT_EVENTS: usize = 100;
const MAX_EVENTS: usize = 1_000;

/// `GET /topics/{topic}/events?after=CURSOR&limit=N`: the history as JSON pages, oldest first.
///
/// `next` is the cursor of the page that follows; a page without events and gap means that there are no more.
pub(crate) async fn get_topic_events(
    State(api): State<Arc<Api>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (request, _body) = request.into_parts();
    let identity = api.parts.access.identify(&request, Purpose::Read).await?.identity;
    let topic =
        granted(&api.parts.access, identity.follow(&topic_of(path)?), &identity, &request).await?;
    let query = request.uri.query().unwrap_or_default();
    let limit = match query_value(query, "limit") {
        None => DEFAULT_EVENTS,
        Some(limit) => limit
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_EVENTS).contains(limit))
            .ok_or_else(|| {
                bad_request("bad-limit", format!("limit is a whole number from 1 to {MAX_EVENTS}"))
            })?,
    };
    let earliest = in_time(api.parts.log.locate(&topic, Start::Earliest)).await?;
    let earliest = earliest.map_err(|_cause| unavailable())?;
    let after =
        query_value(query, "after").filter(|after| !after.is_empty() && after != "earliest");
    let claimed = after.as_ref().map(|after| after.parse());
    let unreadable = matches!(claimed, Some(Err(_)));
    let after = claimed.and_then(Result::ok).unwrap_or(earliest);
    let limit = PageLimit { events: limit, bytes: PAGE_BYTES };
    let page = in_time(api.parts.log.read_after(&topic, after, limit)).await?;
    let page = page.map_err(|_cause| unavailable())?;
    let next = page.entries.last().map(|entry| entry.position);
    let next = next.or(page.gap.map(|gap| gap.resumed_at)).unwrap_or(after);
    let gap = if unreadable { Some(Gap::reset(earliest)) } else { page.gap };
    let gap = gap.map_or(Value::Null, |gap| Value::Object(gap_members(&gap)));
    Ok((
        [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")],
        body(&page, &next.to_string(), &gap),
    )
        .into_response())
}

fn body(page: &Page, next: &str, gap: &Value) -> Vec<u8> {
    let mut body = b"{\"events\":[".to_vec();
    for (index, entry) in page.entries.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        body.extend_from_slice(
            format!("{comma}{{\"cursor\":\"{}\",\"event\":", entry.position).as_bytes(),
        );
        write_cloud_event(&entry.event, &mut body);
        body.push(b'}');
    }
    body.extend_from_slice(format!("],\"next\":\"{next}\",\"gap\":{gap}}}").as_bytes());
    body
}
