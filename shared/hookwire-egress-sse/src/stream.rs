use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hookwire_access::{Identified, Identity, Purpose, Refusal};
use hookwire_http::{Connection, Problem};
use hookwire_hub::{Delivery, Run, Session};
use hookwire_log::Start;
use hookwire_state::{Full, Place};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::closing::{Closing, jittered_ms};
use crate::control;
use crate::cursor::{Cursor, evicted, is_evicted};
use crate::start::{Begin, Places, Request};
use crate::watchdog::{Pulse, watch_over};
use crate::{Egress, EgressConfig};

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
    egress: &Egress,
    request: &Parts,
    identity: &Identity,
) -> Result<Response, Problem> {
    let asked = Request::parse(request.uri.query().unwrap_or_default(), &request.headers)?;
    let topics = asked.topics.iter().map(|topic| identity.follow(topic)).collect();
    let topics = egress.granted(topics, identity, request).await?;
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
    Ok(open(egress, request, identity, places, place))
}

fn open(
    egress: &Egress,
    request: &Parts,
    identity: &Identity,
    places: Places,
    place: Option<Place>,
) -> Response {
    let retry = egress.config.retry;
    let pulse = (request.version == Version::HTTP_2).then(|| {
        let connection = request.extensions.get::<Connection>().cloned();
        watch_over(connection, egress.config.slow_after)
    });
    let session = egress.hub.session(places.places);
    let stream = Stream::new(egress, session, places.requested, pulse, Held::new(identity, place));
    let first = Ok::<_, Infallible>(Bytes::from(control::retry(jittered_ms(retry))));
    let rest = stream::unfold(stream, |mut stream| async {
        stream.next().await.map(|bytes| (Ok(bytes), stream))
    });
    let first = stream::once(std::future::ready(first));
    event_stream(Body::from_stream(stream::StreamExt::chain(first, rest)))
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

/// One open stream: its session, and when it is to do what.
struct Stream {
    session: Session,
    /// Made once, since its tags are hashes; where it stands only [`Stream::standing`] says.
    cursor: Option<Cursor>,
    requested: Option<String>,
    heartbeat: Duration,
    heartbeat_at: Instant,
    ends_at: Instant,
    /// Why it ends then.
    ends_as: Closing,
    retry: Duration,
    draining: CancellationToken,
    ended: bool,
    rest: Bytes,
    pulse: Option<Arc<Pulse>>,
    held: Held,
    open: Open,
}

/// What a user's stream depends on.
struct Held {
    place: Option<Place>,
    expires_at: Option<Instant>,
    tenant: Option<String>,
}

impl Held {
    fn new(identity: &Identity, place: Option<Place>) -> Self {
        let left = |at: SystemTime| at.duration_since(SystemTime::now()).unwrap_or_default();
        Self {
            place,
            expires_at: identity.expires_at().map(|at| Instant::now() + left(at)),
            tenant: identity.tenant().map(|tenant| tenant.as_str().to_owned()),
        }
    }

    /// Waits until the stream has to end before its time.
    async fn ended(&mut self) -> Closing {
        match &mut self.place {
            Some(place) => place.ended().await.into(),
            None => std::future::pending().await,
        }
    }
}

impl Stream {
    const SLICE_BYTES: usize = 16 * 1024;
    /// Longest part of a client's cursor that is told back.
    const MAX_TOLD: usize = 128;

    fn new(
        egress: &Egress,
        session: Session,
        requested: Option<String>,
        pulse: Option<Arc<Pulse>>,
        mut held: Held,
    ) -> Self {
        let EgressConfig { heartbeat, retry, max_lifetime, .. } = egress.config;
        let now = Instant::now();
        // Streams that were opened together must not all end together.
        let lasts = max_lifetime.mul_f64(0.9 + fastrand::f64() / 10.0);
        let (ends_at, ends_as) = match held.expires_at {
            Some(expires_at) if expires_at < now + lasts => (expires_at, Closing::Expired),
            _ => (now + lasts, Closing::Lifetime),
        };
        Self {
            session,
            cursor: None,
            requested,
            heartbeat,
            heartbeat_at: now + heartbeat,
            ends_at,
            ends_as,
            retry,
            draining: egress.draining.clone(),
            ended: false,
            rest: Bytes::new(),
            pulse,
            open: Open::new(held.tenant.take()),
            held,
        }
    }

    /// What goes over the wire next; `None` ends the response.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        if let Some(pulse) = &self.pulse {
            pulse.beat();
        }
        let draining = self.draining.clone();
        if let Some(bytes) = self.slice() {
            return Some(bytes);
        }
        loop {
            // A client that is always behind would otherwise never be seen to have been here long enough.
            if Instant::now() >= self.ends_at {
                return Some(self.close(self.ends_as));
            }
            let wake_at = self.heartbeat_at.min(self.ends_at);
            let delivery = tokio::select! {
                biased;
                () = draining.cancelled() => return Some(self.close(Closing::Shutdown)),
                reason = self.held.ended() => return Some(self.close(reason)),
                delivery = timeout_at(wake_at, self.session.next()) => delivery,
            };
            let now = Instant::now();
            self.heartbeat_at = now + self.heartbeat;
            match delivery {
                Ok(delivery) => {
                    if let Some(bytes) = self.encode(delivery) {
                        self.rest = bytes;
                        return self.slice();
                    }
                }
                Err(_elapsed) if now < self.ends_at => return Some(control::HEARTBEAT),
                Err(_elapsed) => {}
            }
        }
    }

    /// The next piece of what was delivered last.
    fn slice(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        // Over HTTP/2 a piece is asked for only when the one before is gone, and that is how a client that reads
        // slowly differs from one that does not read.
        let most = if self.pulse.is_some() { Self::SLICE_BYTES } else { usize::MAX };
        Some(self.rest.split_to(most.min(self.rest.len())))
    }

    fn close(&mut self, reason: Closing) -> Bytes {
        self.ended = true;
        metrics::counter!("hookwire_streams_closed_total", "reason" => reason.as_str())
            .increment(1);
        let cursor = self.standing().map(|cursor| cursor.text());
        let cursor = match reason {
            Closing::Evicted => {
                // Before it has a cursor of its own it is where its client was.
                let cursor = cursor.or_else(|| self.requested.take()).unwrap_or_default();
                Some(evicted(&cursor, SystemTime::now()))
            }
            _ => cursor,
        };
        control::closing(reason, reason.retry_ms(self.retry), cursor.as_deref())
    }

    /// The cursor after everything delivered; `None` before every topic has its position.
    fn standing(&mut self) -> Option<&mut Cursor> {
        let known = || self.session.positions().map(|(topic, at)| Some((topic, at?)));
        let positions: Vec<_> = known().collect::<Option<_>>()?;
        let cursor = self.cursor.get_or_insert_with(|| {
            Cursor::new(positions.iter().map(|(topic, at)| ((*topic).clone(), *at)))
        });
        for (index, (_, at)) in positions.into_iter().enumerate() {
            cursor.advance(index, at);
        }
        Some(cursor)
    }

    fn encode(&mut self, delivery: Delivery) -> Option<Bytes> {
        match delivery {
            Delivery::Primed => Some(control::priming(&self.standing()?.text())),
            Delivery::Run(index, run) => Some(self.run(index, &run)),
            Delivery::Gap(index, gap, asked) => {
                metrics::counter!("hookwire_gaps_total", "reason" => gap.reason.as_str())
                    .increment(1);
                let cursor = self.standing()?.text();
                let told = |cursor: String| cursor.chars().take(Self::MAX_TOLD).collect();
                let asked =
                    self.requested.take().map(told).or_else(|| asked.map(|at| at.to_string()));
                let topic = self.session.topic(index)?;
                Some(control::gap(&cursor, topic, &gap, asked.as_deref()))
            }
            Delivery::Degraded => Some(control::degraded()),
            Delivery::Recovered => Some(control::recovered()),
        }
    }

    fn run(&mut self, index: usize, run: &Run) -> Bytes {
        // What the client asked for is behind it: a later gap is not about that.
        self.requested = None;
        self.open.delivered.increment(run.frames().len() as u64);
        let single = self.session.positions().nth(1).is_none();
        if single {
            return run.joined();
        }
        let Some(cursor) = self.standing() else { return run.joined() };
        let mut bytes = BytesMut::new();
        for frame in run.frames() {
            cursor.advance(index, frame.position);
            bytes.extend_from_slice(b"id: ");
            bytes.extend_from_slice(cursor.text().as_bytes());
            bytes.extend_from_slice(b"\n");
            bytes.extend_from_slice(&frame.body());
        }
        bytes.freeze()
    }
}

/// Counts a stream as open for as long as it lives, and what is delivered on it.
struct Open {
    open: metrics::Gauge,
    delivered: metrics::Counter,
}

impl Open {
    fn new(tenant: Option<String>) -> Self {
        let labels: Vec<_> = tenant.map(|tenant| ("tenant", tenant)).into_iter().collect();
        metrics::counter!("hookwire_streams_opened_total", &labels).increment(1);
        let open = metrics::gauge!("hookwire_streams_open", &labels);
        open.increment(1.0);
        Self { open, delivered: metrics::counter!("hookwire_events_delivered_total", &labels) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.decrement(1.0);
    }
}
