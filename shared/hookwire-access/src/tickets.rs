use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hookwire_event::Topic;
use hookwire_grant::Grant;
use hookwire_http::{Problem, is_json, media_type, read_body};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use serde::Deserialize;
use serde_json::json;

use crate::origin::origin_of;
use crate::sealed::{Sealed, SealedAs};
use crate::{Access, Identity, Purpose, Refusal};

/// What a ticket is asked for with; everything may be left out.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Topics that it is good for; all of the token's without them.
    topics: Option<Vec<String>>,
    /// Seconds that it lasts unless it is used.
    ttl: Option<u64>,
    /// Origin of the page that may use it; that of the request without it, if it names one.
    origin: Option<String>,
}

/// Longest and usual life of a ticket: it only has to reach the page and come back.
const LONGEST: Duration = Duration::from_secs(60);
/// Most topics of a ticket, as of a stream.
const MOST_TOPICS: usize = 32;

/// `POST /tickets`: exchanges a bearer for a one-time ticket, for an `EventSource`, which cannot send one.
pub(crate) async fn post_tickets(
    State(access): State<Arc<Access>>,
    request: Request,
) -> Result<Response, Problem> {
    let (request, body) = request.into_parts();
    let identity = access.identify(&request, Purpose::Change).await?.identity;
    let Identity::User(grant) = &identity else {
        let detail = "without keys the relay is open to this machine, and nobody needs a ticket";
        return Err(Problem::new(StatusCode::CONFLICT, "no-keys", detail));
    };
    let Some(sealer) = &access.config.sealer else {
        let detail = "this relay gives no tickets; set HOOKWIRE_TICKET_SECRET";
        return Err(Problem::new(StatusCode::CONFLICT, "no-tickets", detail));
    };
    let wanted = wanted(&request, body).await?;
    let ttl = wanted.ttl.map_or(LONGEST, Duration::from_secs);
    if ttl.is_zero() || ttl > LONGEST {
        return Err(bad("ttl is a number of seconds from 1 to 60"));
    }
    let subscribe = match topics(grant, wanted.topics) {
        Ok(subscribe) => subscribe,
        Err(Wrong::Problem(problem)) => return Err(problem),
        Err(Wrong::Refusal(refusal)) => {
            access.refused(&refusal, Some(&identity), &request).await;
            return Err(refusal.into());
        }
    };
    let now = SystemTime::now();
    let origin = wanted.origin.or_else(|| origin_of(&request.headers).map(str::to_owned));
    let sealed = Sealed::new(grant, subscribe, origin, now, now + ttl);
    let ticket = sealer.seal(&sealed, SealedAs::Ticket);
    let ticket = ticket.ok_or_else(|| bad("the ticket would be too large; name fewer topics"))?;
    let body = Json(json!({ "ticket": ticket, "expires_in": ttl.as_secs() }));
    Ok(([(CACHE_CONTROL, "no-store")], body).into_response())
}

async fn wanted(request: &Parts, body: Body) -> Result<Wanted, Problem> {
    let body = read_body(&request.headers, body, 16 * 1024, Duration::from_secs(10)).await?;
    if body.is_empty() {
        return Ok(Wanted::default());
    }
    if !is_json(&media_type(&request.headers)) {
        let detail = "send application/json as Content-Type, or no body";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", detail));
    }
    serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        bad(&format!(
            "expects {{\"topics\":[…],\"ttl\":60,\"origin\":\"https://…\"}}, each of which may be left out \
             (line {line}, column {column})"
        ))
    })
}

enum Wrong {
    Problem(Problem),
    Refusal(Refusal),
}

/// What the ticket may follow: the topics that were asked for, each of which the grant must cover, or all of the grant.
fn topics(grant: &Grant, topics: Option<Vec<String>>) -> Result<Vec<String>, Wrong> {
    let Some(topics) = topics else { return Ok(granted(grant)) };
    if !(1..=MOST_TOPICS).contains(&topics.len()) {
        return Err(Wrong::Problem(bad("topics are 1 to 32 names")));
    }
    let identity = Identity::User(grant.clone());
    for name in &topics {
        let topic = Topic::parse(name)
            .map_err(|invalid| {
                Problem::new(StatusCode::BAD_REQUEST, "bad-topic", invalid.to_string())
            })
            .map_err(Wrong::Problem)?;
        identity.follow(&topic).map_err(Wrong::Refusal)?;
        if name.contains(['{', '}']) {
            return Err(Wrong::Problem(bad("a topic with braces needs a ticket without topics")));
        }
    }
    Ok(topics)
}

fn granted(grant: &Grant) -> Vec<String> {
    grant.subscribe().iter().map(|pattern| pattern.as_str().to_owned()).collect()
}

fn bad(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-ticket-request", detail)
}
