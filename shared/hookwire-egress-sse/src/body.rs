use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use hookwire_access::Identity;
use hookwire_http::{AnswerBy, Stalled};
use hookwire_hub::{Delivery, Run, Session};
use hookwire_state::Place;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::closing::Closing;
use crate::control;
use crate::cursor::{Cursor, evicted};
use crate::tally::Open;
use crate::watchdog::Pulse;
use crate::{Egress, EgressConfig};

/// One open stream: its session, and when it is to do what.
pub(crate) struct Stream {
    session: Session,
    /// Made once, since its tags are hashes; where it stands only [`Stream::standing`] says.
    cursor: Option<Cursor>,
    requested: Option<String>,
    heartbeat: Duration,
    heartbeat_at: Instant,
    end: End,
    bytes_left: u64,
    retry: Duration,
    draining: CancellationToken,
    ended: bool,
    rest: Bytes,
    pulse: Option<Arc<Pulse>>,
    held: Held,
    open: Open,
}

/// What a user's stream depends on.
pub(crate) struct Held {
    place: Option<Place>,
    /// When it has to have ended, and why.
    due: Option<(Instant, Closing)>,
    tenant: Option<String>,
}

impl Held {
    /// What keeps the places may be away, and their leases end by themselves.
    const RELEASE_WITHIN: Duration = Duration::from_millis(200);

    pub(crate) fn new(
        identity: &Identity,
        place: Option<Place>,
        answer_by: Option<AnswerBy>,
    ) -> Self {
        let left = |at: SystemTime| at.duration_since(SystemTime::now()).unwrap_or_default();
        let expires = identity.expires_at().map(|at| (Instant::now() + left(at), Closing::Expired));
        let answer_by = answer_by.map(|AnswerBy(at)| (at, Closing::Lifetime));
        Self {
            place,
            due: expires.into_iter().chain(answer_by).min_by_key(|(at, _)| *at),
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

    /// Gives back what it has, and does not leave that to a task: a function is frozen when its answer has ended.
    async fn release(&mut self) {
        if let Some(place) = self.place.take() {
            drop(timeout(Self::RELEASE_WITHIN, place.release()).await);
        }
    }
}

/// When a stream ends by itself.
#[derive(Debug, Clone, Copy)]
struct End {
    at: Instant,
    why: Closing,
    /// How long it goes on without an event, and until when.
    linger: Option<(Duration, Instant)>,
}

impl End {
    fn new(config: &EgressConfig, due: Option<(Instant, Closing)>, now: Instant) -> Self {
        // Streams that were opened together must not all end together.
        let lasts = config.max_lifetime.mul_f64(0.9 + fastrand::f64() / 10.0);
        let (at, why) = match due {
            Some(due) if due.0 < now + lasts => due,
            _ => (now + lasts, Closing::Lifetime),
        };
        Self { at, why, linger: config.linger.map(|linger| (linger, now + linger)) }
    }

    fn next(&self) -> (Instant, Closing) {
        match self.linger {
            Some((_, idle_at)) if idle_at < self.at => (idle_at, Closing::Idle),
            _ => (self.at, self.why),
        }
    }

    fn had_an_event(&mut self, now: Instant) {
        if let Some((linger, idle_at)) = &mut self.linger {
            *idle_at = now + *linger;
        }
    }
}

impl Stream {
    const SLICE_BYTES: usize = 16 * 1024;
    /// Longest part of a client's cursor that is told back.
    const MAX_TOLD: usize = 128;

    pub(crate) fn new(
        egress: &Egress,
        session: Session,
        requested: Option<String>,
        pulse: Option<Arc<Pulse>>,
        mut held: Held,
        stalled: Stalled,
    ) -> Self {
        let EgressConfig { heartbeat, retry, max_stream_bytes, .. } = egress.config;
        let now = Instant::now();
        Self {
            session,
            cursor: None,
            requested,
            heartbeat,
            heartbeat_at: now + heartbeat,
            end: End::new(&egress.config, held.due, now),
            bytes_left: max_stream_bytes.unwrap_or(u64::MAX),
            retry,
            draining: egress.draining.clone(),
            ended: false,
            rest: Bytes::new(),
            pulse,
            open: egress.tally.open(held.tenant.take(), stalled),
            held,
        }
    }

    /// What goes over the wire next; `None` ends the response.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            self.held.release().await;
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
            let (ends_at, why) = self.end.next();
            if Instant::now() >= ends_at {
                return Some(self.close(why));
            }
            if self.bytes_left == 0 {
                return Some(self.close(Closing::Lifetime));
            }
            let wake_at = self.heartbeat_at.min(ends_at);
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
                Err(_elapsed) if now < ends_at => return Some(control::HEARTBEAT),
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
        let slice = self.rest.split_to(most.min(self.rest.len()));
        self.bytes_left = self.bytes_left.saturating_sub(slice.len() as u64);
        Some(slice)
    }

    fn close(&mut self, reason: Closing) -> Bytes {
        self.ended = true;
        self.open.ended(reason.as_str());
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
        self.open.delivered(run.frames());
        self.end.had_an_event(Instant::now());
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
