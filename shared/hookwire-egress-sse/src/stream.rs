use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, Request as HttpRequest, State};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use hookwire_http::{Connection, Problem};
use hookwire_hub::{Delivery, Run, Session};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::closing::{Closing, jittered_ms};
use crate::control;
use crate::cursor::Cursor;
use crate::start::Request;
use crate::watchdog::{Pulse, watch_over};
use crate::{Egress, EgressConfig};

/// `GET /events`: follows topics as a stream of server-sent events.
pub(crate) async fn get_events(
    State(egress): State<Arc<Egress>>,
    RawQuery(query): RawQuery,
    request: HttpRequest,
) -> Result<Response, Problem> {
    accepts_events(request.headers())?;
    let asked = Request::parse(&query.unwrap_or_default(), request.headers(), &egress.acks)?;
    let retry = egress.config.retry;
    if egress.draining.is_cancelled() {
        // Any status but 200 would stop an EventSource for ever, and another process will serve it.
        let shutdown = Closing::Shutdown;
        return Ok(event_stream(control::closing(shutdown, shutdown.retry_ms(retry), None).into()));
    }
    let pulse = (request.version() == Version::HTTP_2).then(|| {
        let connection = request.extensions().get::<Connection>().cloned();
        watch_over(connection, egress.config.slow_after)
    });
    let session = egress.hub.session(asked.places);
    let stream = Stream::new(&egress, session, asked.requested, pulse);
    let first = Ok::<_, Infallible>(Bytes::from(control::retry(jittered_ms(retry))));
    let rest = stream::unfold(stream, |mut stream| async {
        stream.next().await.map(|bytes| (Ok(bytes), stream))
    });
    let first = stream::once(std::future::ready(first));
    Ok(event_stream(Body::from_stream(stream::StreamExt::chain(first, rest))))
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
    retry: Duration,
    draining: CancellationToken,
    ended: bool,
    rest: Bytes,
    pulse: Option<Arc<Pulse>>,
    _open: Open,
}

impl Stream {
    const SLICE_BYTES: usize = 16 * 1024;

    fn new(
        egress: &Egress,
        session: Session,
        requested: Option<String>,
        pulse: Option<Arc<Pulse>>,
    ) -> Self {
        let EgressConfig { heartbeat, retry, max_lifetime, .. } = egress.config;
        let now = Instant::now();
        Self {
            session,
            cursor: None,
            requested,
            heartbeat,
            heartbeat_at: now + heartbeat,
            // Streams that were opened together must not all end together.
            ends_at: now + max_lifetime.mul_f64(0.9 + fastrand::f64() / 10.0),
            retry,
            draining: egress.draining.clone(),
            ended: false,
            rest: Bytes::new(),
            pulse,
            _open: Open::new(),
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
                return Some(self.close(Closing::Lifetime));
            }
            let wake_at = self.heartbeat_at.min(self.ends_at);
            let delivery = tokio::select! {
                biased;
                () = draining.cancelled() => return Some(self.close(Closing::Shutdown)),
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
                let asked = self.requested.take().or_else(|| asked.map(|at| at.to_string()));
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
        metrics::counter!("hookwire_events_delivered_total").increment(run.frames().len() as u64);
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

/// Counts a stream as open for as long as it lives.
struct Open;

impl Open {
    fn new() -> Self {
        metrics::counter!("hookwire_streams_opened_total").increment(1);
        metrics::gauge!("hookwire_streams_open").increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("hookwire_streams_open").decrement(1.0);
    }
}
