use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use hookwire_access::{Identified, Identity, Purpose, Refusal};
use hookwire_http::{AnswerBy, Connection, HandOff, Problem, Stalled};
use hookwire_log::Start;
use hookwire_state::{Full, Place};
use hookwire_writer::{Chunk, Writers};
use http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::body::{Held, Stream};
use crate::closing::{Closing, jittered_ms};
use crate::control;
use crate::cursor::is_evicted;
use crate::start::{Begin, Places, Request};
use crate::watchdog::watch_over;
use crate::{Egress, granted};

/// `GET /events`: follows topics as a stream of server-sent events.
pub(crate) async fn get_events(
    State(egress): State<Arc<Egress>>,
    request: HttpRequest,
) -> Result<Response, Problem> {
    let (request, _body) = request.into_parts();
    accepts_events(&request.headers)?;
    if egress.draining.is_cancelled() {
        return Ok(later(&egress, Closing::Shutdown));
    }
    let evicts = !egress.access.is_open() && egress.access.streams().evicts();
    if evicts && came_back_evicted(&request.headers) {
        // The one status after which an EventSource does not come again, so that two tabs never fight for a place.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let Identified { identity, cookie } =
        match egress.access.identify(&request, Purpose::Follow).await {
            Ok(identified) => identified,
            Err(refusal) => return cured_later(&egress, refusal),
        };
    let answer = follow(&egress, &request, &identity).await;
    let mut answer = answer.unwrap_or_else(IntoResponse::into_response);
    if let Some(cookie) = cookie {
        // Whatever the answer is: the ticket is spent.
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// `HEAD /events`: would cost another stream its place, and says nothing that a GET does not say.
pub(crate) async fn head_events() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "a stream is opened with GET",
    )
    .allow("GET")
}

async fn follow(
    egress: &Arc<Egress>,
    request: &Parts,
    identity: &Identity,
) -> Result<Response, Problem> {
    let asked = Request::parse(request.uri.query().unwrap_or_default(), &request.headers)?;
    let topics = asked.topics.iter().map(|topic| identity.follow(topic)).collect();
    let topics = granted(&egress.access, topics, identity, request).await?;
    let places = match asked.begin {
        Begin::At(start) => Places::at(topics, start),
        Begin::After(cursor) => Places::after(topics, &cursor),
        Begin::AfterLeftBy(client) => {
            match egress.cursors.get(&identity.owner_of(&client), &client).await {
                Ok(Some(cursor)) => Places::after(topics, &cursor),
                Ok(None) => Places::at(topics, Start::Tail),
                // To begin live would pass over what the client has not seen, without a word.
                Err(_cause) => return Ok(later(egress, Closing::Unavailable)),
            }
        }
    };
    let place = match identity {
        Identity::Anybody => None,
        Identity::User(_) => Some(egress.access.streams().open(identity.holder()).await),
    };
    let place = place.transpose().map_err(|full| too_many_streams(&full))?;
    Ok(open(egress, request, identity, places, place).await)
}

async fn open(
    egress: &Arc<Egress>,
    request: &Parts,
    identity: &Identity,
    places: Places,
    place: Option<Place>,
) -> Response {
    let slow_after = egress.config.slow_after;
    let connection = request.extensions.get::<Connection>().cloned();
    let stalled = request.extensions.get::<Stalled>().cloned().unwrap_or_default();
    let pulse = connection.map(|connection| watch_over(connection, slow_after, stalled.clone()));
    let session = egress.hub.session(places.places);
    let answer_by = request.extensions.get::<AnswerBy>().copied();
    let held = Held::new(identity, place, answer_by);
    let of = Arc::clone(egress);
    let stream = Stream::new(of, session, places.requested, pulse, held, stalled);
    let first = Bytes::from(control::retry(jittered_ms(egress.config.retry)));
    let hand_off = request.extensions.get::<HandOff>();
    match hand_off.and_then(|one| Some((one, egress.writing.writers(one, slow_after)?))) {
        Some((hand_off, writers)) => hand_over(stream, first, hand_off.clone(), writers).await,
        None => event_stream(body(stream, first)),
    }
}

/// The stream as a body: where others share its connection, or a platform has it.
fn body(stream: Stream, first: Bytes) -> Body {
    let first = stream::once(std::future::ready(Ok::<_, Infallible>(first)));
    let rest = stream::unfold(stream, |mut stream| async {
        stream.next().await.map(|bytes| (Ok(bytes), stream))
    });
    Body::from_stream(stream::StreamExt::chain(first, rest))
}

/// The beginning of a stream whose rest the writers write.
async fn hand_over(
    stream: Stream,
    first: Bytes,
    hand_off: HandOff,
    writers: &Arc<Writers<Stream>>,
) -> Response {
    let writers = Arc::clone(writers);
    let mut stream = Box::new(stream);
    // It need not wait for a log far away, but what one at hand answers goes out in the same write.
    let mut begun = Box::pin(async move {
        let bytes = stream.next().await;
        (stream, bytes)
    });
    let body = match poll_fn(|cx| Poll::Ready(begun.as_mut().poll(cx))).await {
        Poll::Ready((stream, bytes)) => {
            let first = [first, bytes.unwrap_or_default()].concat().into();
            hand_off.body(first, move |handed| writers.take(handed, stream, Bytes::new()))
        }
        Poll::Pending => hand_off.body(first, move |handed| {
            tokio::spawn(async move {
                let (stream, bytes) = begun.await;
                let first = bytes.map_or_else(Bytes::new, |bytes| Chunk::of(&bytes));
                writers.take(handed, stream, first);
            });
        }),
    };
    let mut answer = event_stream(body);
    // Nobody reads another request from it.
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// A stream that ends at once and is to come again: any status but 200 would stop an `EventSource` for ever.
fn later(egress: &Egress, reason: Closing) -> Response {
    let retry_ms = reason.retry_ms(egress.config.retry);
    event_stream(control::closing(reason, retry_ms, None).into())
}

fn cured_later(egress: &Egress, refusal: Refusal) -> Result<Response, Problem> {
    match &refusal {
        // Who proves nothing is told so: its page has to change.
        Refusal::TooOften(over) if over.scope == "client" => Err(refusal.into()),
        _ if refusal.is_cured_by_time() => Ok(later(egress, Closing::Unavailable)),
        _ => Err(refusal.into()),
    }
}

fn came_back_evicted(headers: &HeaderMap) -> bool {
    let id = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()));
    id.is_some_and(|id| is_evicted(&id, SystemTime::now()))
}

fn too_many_streams(full: &Full) -> Problem {
    let detail = "this user has as many streams open as one may have; close one, such as another tab, or raise \
                  HOOKWIRE_STREAMS_PER_USER; with HOOKWIRE_STREAMS_OVER=evict the oldest would end instead";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", detail)
        .retry_after(full.retry_after)
}

fn event_stream(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        // nginx would otherwise hold frames back until its buffer is full.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}

fn accepts_events(headers: &HeaderMap) -> Result<(), Problem> {
    let mut lines = headers.get_all(ACCEPT).iter().peekable();
    let accepted = lines.peek().is_none()
        || lines.any(|line| {
            let ranges = line.to_str().unwrap_or_default().split(',');
            let mut types = ranges.map(|range| range.split(';').next().unwrap_or_default().trim());
            types.any(|one| matches!(one, "text/event-stream" | "text/*" | "*/*"))
        });
    if accepted {
        return Ok(());
    }
    let detail = "/events answers text/event-stream; for JSON pages use GET /topics/{topic}/events";
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail))
}
