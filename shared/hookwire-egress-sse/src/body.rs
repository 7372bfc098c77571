use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use hookwire_access::Identity;
use hookwire_http::{AnswerBy, Stalled};
use hookwire_hub::{Delivery, Run, Session};
use hookwire_state::Place;
use tokio::time::{Instant, timeout, timeout_at};

use crate::closing::Closing;
use crate::control;
use crate::cursor::{Cursor, evicted};
use crate::tally::Open;
use crate::watchdog::Pulse;
use crate::{Egress, EgressConfig};

mod supply;

/// One open stream: its session, and when it is to do what.
pub(crate) struct Stream {
    egress: Arc<Egress>,
    session: Session,
    /// Made once, since its tags are hashes; where it stands only [`Stream::standing`] says.
    cursor: Option<Box<Cursor>>,
    requested: Option<Box<str>>,
    heartbeat_at: Instant,
    end: End,
    bytes_left: u64,
    ended: bool,
    rest: Bytes,
    pulse: Option<Arc<Pulse>>,
    place: Option<Place>,
    pub(crate) open: Open,
}

/// What a user's stream depends on.
pub(crate) struct Held {
    pub(crate) place: Option<Place>,
    /// When it has to have ended, and why.
    pub(crate) due: Option<(Instant, Closing)>,
    pub(crate) tenant: Option<String>,
}

impl Held {
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
    /// What keeps the places may be away, and their leases end by themselves.
    const RELEASE_WITHIN: Duration = Duration::from_millis(200);
    const SLICE_BYTES: usize = 16 * 1024;
    /// Longest part of a client's cursor that is told back.
    const MAX_TOLD: usize = 128;

    pub(crate) fn new(
        egress: Arc<Egress>,
        session: Session,
        requested: Option<String>,
        pulse: Option<Arc<Pulse>>,
        held: Held,
        stalled: Stalled,
    ) -> Self {
        let EgressConfig { heartbeat, max_stream_bytes, .. } = egress.config;
        let Held { place, due, tenant } = held;
        let now = Instant::now();
        Self {
            session,
            cursor: None,
            requested: requested.map(Into::into),
            heartbeat_at: now + heartbeat,
            end: End::new(&egress.config, due, now),
            bytes_left: max_stream_bytes.unwrap_or(u64::MAX),
            ended: false,
            rest: Bytes::new(),
            pulse,
            place,
            open: egress.tally.open(tenant, stalled),
            egress,
        }
    }

    /// What goes over the wire next; `None` ends the response.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.advance(true).await
    }

    /// What goes over the wire next, as [`Self::next`]; unless it is to `wait` for it, nothing when there is nothing so far.
    async fn advance(&mut self, wait: bool) -> Option<Bytes> {
        if self.ended {
            self.release().await;
            return None;
        }
        if let Some(pulse) = &self.pulse {
            pulse.beat();
        }
        let egress = Arc::clone(&self.egress);
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
                () = egress.draining.cancelled() => return Some(self.close(Closing::Shutdown)),
                reason = told_to_end(&mut self.place) => return Some(self.close(reason)),
                delivery = timeout_at(wake_at, deliver(&mut self.session, wait)) => delivery,
            };
            if matches!(delivery, Ok(None)) {
                return Some(Bytes::new());
            }
            let now = Instant::now();
            self.heartbeat_at = now + self.egress.config.heartbeat;
            match delivery {
                Ok(delivery) => {
                    if let Some(bytes) = delivery.and_then(|delivery| self.encode(delivery)) {
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
        let cursor = self.standing();
        let cursor = match reason {
            Closing::Evicted => {
                // Before it has a cursor of its own it is where its client was.
                let cursor =
                    cursor.or_else(|| self.requested.take().map(Into::into)).unwrap_or_default();
                Some(evicted(&cursor, SystemTime::now()))
            }
            _ => cursor,
        };
        control::closing(reason, reason.retry_ms(self.egress.config.retry), cursor.as_deref())
    }

    /// The cursor after everything delivered, as text; `None` before every topic has its position.
    fn standing(&mut self) -> Option<String> {
        let known = || self.session.positions().map(|(topic, at)| Some((topic, at?)));
        let positions: Vec<_> = known().collect::<Option<_>>()?;
        if let [(_, only)] = positions.as_slice() {
            return Some(only.to_string());
        }
        let cursor = self.cursor.get_or_insert_with(|| {
            Cursor::new(positions.iter().map(|(topic, at)| ((*topic).clone(), *at))).into()
        });
        for (index, (_, at)) in positions.into_iter().enumerate() {
            cursor.advance(index, at);
        }
        Some(cursor.text())
    }

    fn encode(&mut self, delivery: Delivery) -> Option<Bytes> {
        match delivery {
            Delivery::Primed => Some(control::priming(&self.standing()?)),
            Delivery::Run(index, run) => Some(self.run(index, &run)),
            Delivery::Gap(index, gap, asked) => {
                metrics::counter!("hookwire_gaps_total", "reason" => gap.reason.as_str())
                    .increment(1);
                let cursor = self.standing()?;
                let told = |cursor: Box<str>| cursor.chars().take(Self::MAX_TOLD).collect();
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
        self.note(run, Instant::now());
        if self.follows_one() {
            return run.joined();
        }
        let mut bytes = BytesMut::new();
        self.write_frames(index, run, |part| bytes.extend_from_slice(part));
        bytes.freeze()
    }

    /// Notes that a run is handed out.
    pub(crate) fn note(&mut self, run: &Run, now: Instant) {
        // What the client asked for is behind it: a later gap is not about that.
        self.requested = None;
        self.open.delivered(run.frames());
        run.delivered();
        self.end.had_an_event(now);
    }

    /// Whether it follows one topic, so that its frames are those of all others.
    pub(crate) fn follows_one(&self) -> bool {
        self.session.positions().nth(1).is_none()
    }

    /// Writes frames with cursors of its own.
    pub(crate) fn write_frames(&mut self, index: usize, run: &Run, mut write: impl FnMut(&[u8])) {
        // The cursor stands after the run already, and each frame has to say where it stands itself.
        self.standing();
        let Some(cursor) = &mut self.cursor else { return };
        for frame in run.frames() {
            cursor.advance(index, frame.position);
            write(b"id: ");
            write(cursor.text().as_bytes());
            write(b"\n");
            write(&frame.body());
        }
    }

    /// Gives its place back, and does not leave that to a task: a function is frozen when its answer has ended.
    async fn release(&mut self) {
        if let Some(place) = self.place.take() {
            drop(timeout(Self::RELEASE_WITHIN, place.release()).await);
        }
    }
}

/// What a session delivers next; `None` when there is nothing so far, and it is not to `wait`.
async fn deliver(session: &mut Session, wait: bool) -> Option<Delivery> {
    if wait { Some(session.next().await) } else { session.ask().await }
}

/// Waits until a stream has to end before its time.
async fn told_to_end(place: &mut Option<Place>) -> Closing {
    match place {
        Some(place) => place.ended().await.into(),
        None => std::future::pending().await,
    }
}
