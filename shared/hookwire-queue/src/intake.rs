use std::sync::Arc;
use std::time::Duration;

use hookwire_event::{Event, Position};
use hookwire_log::{
    AppendError, Appended, BoxError, Lateness, Log, Quarantine, Quarantined, Retention,
};
use hookwire_traces::{Kind, Tracer};
use tokio::time::timeout;

use crate::arrears::Arrears;
use crate::outage::Outage;
use crate::stamp::Stamp;
use crate::timed::Timed;
use crate::{Content, DrainConfig, InLog, Queue, Record, SendError};

/// Takes events in: into the log, and into the queue beside it if there is one.
///
/// What it has taken survives the loss of the log, as far as [`Durability`] says.
#[derive(Debug)]
pub struct Intake {
    log: Arc<dyn Log>,
    quarantine: Arc<dyn Quarantine>,
    tracer: Tracer,
    spill: Option<Spill>,
    outage: Outage,
    timed: Timed,
}

#[derive(Debug)]
struct Spill {
    queue: Arc<dyn Queue>,
    durability: Durability,
    lateness: Lateness,
    stamp: Stamp,
    /// Where nothing may be left for later there are none.
    arrears: Option<Arrears>,
}

/// What goes to the queue, and when an event counts as taken.
#[derive(Debug, Clone, Copy)]
pub struct Durability {
    /// What goes to the queue.
    pub mode: Mode,
    /// Whose answer is enough.
    pub ack: Ack,
    /// When the drain looks whether the log still has a mirrored event; longer than what a failover can lose.
    pub delay: Duration,
}

impl Durability {
    /// Whether every event goes to the queue.
    #[must_use]
    pub fn mirrors(&self) -> bool {
        self.mode == Mode::Mirror
    }

    /// Whether whatever the log loses is in the queue, so that nobody has to be told of a possible loss.
    #[must_use]
    pub fn brings_everything_back(&self) -> bool {
        self.mirrors() && self.ack == Ack::Queue
    }

    /// What a drain of the queue must know of a log that keeps so much.
    #[must_use]
    pub fn drain(&self, retention: &Retention) -> DrainConfig {
        DrainConfig {
            dedupe_window: retention.dedupe_window,
            retention_age: retention.age,
            verify_after: self.mirrors().then_some(self.delay),
        }
    }
}

/// What goes to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every event, so that what the log loses in a failover comes back.
    Mirror,
    /// Only what the log did not take.
    Fallback,
}

/// Whose answer is enough for an event to count as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// That of the log or that of the queue.
    Any,
    /// Only that of the queue.
    Queue,
}

/// What became of an event that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in the log, here.
    Appended(Position),
    /// The same id of the same source was in the log already, here.
    Duplicate(Position),
    /// It is in the queue, and comes into the log later.
    Queued,
}

/// What became of a notification that can never be an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is in the quarantine under this number.
    Quarantined(u64),
    /// It is in the queue, and comes into the quarantine later.
    Queued,
}

impl Taken {
    /// The word for answers and metrics.
    #[must_use]
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Appended(_) => "appended",
            Self::Duplicate(_) => "duplicate",
            Self::Queued => "queued",
        }
    }
}

impl Intake {
    /// How long the log may take when there is a queue that can have the event: with what the queue may take it must
    /// stay below the two seconds in which a publisher has an answer, whatever is down.
    pub const LOG_WITHIN: Duration = Duration::from_millis(600);

    /// Into the log only.
    pub fn new(log: Arc<dyn Log>, quarantine: Arc<dyn Quarantine>) -> Self {
        let (tracer, outage) = (Tracer::default(), Outage::default());
        Self { log, quarantine, tracer, spill: None, outage, timed: Timed::default() }
    }

    /// Has what happens to events recorded in their traces. The log records its appends itself.
    #[must_use]
    pub fn with_tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// What records where the events come from.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Into the log, and into a queue whose drain settles `lateness`.
    #[must_use]
    pub fn with_queue(
        self,
        queue: Arc<dyn Queue>,
        durability: Durability,
        lateness: Lateness,
    ) -> Self {
        let arrears = Some(Arrears::new(Arc::clone(&queue), durability.delay));
        let spill = Spill { queue, durability, lateness, stamp: Stamp::default(), arrears };
        Self { spill: Some(spill), ..self }
    }

    /// Leaves nothing for later, for a process that is frozen when it has answered: a mirror that the queue does not take is
    /// sent once more before the answer, and not after it.
    #[must_use]
    pub fn leaving_nothing(mut self) -> Self {
        if let Some(spill) = &mut self.spill {
            spill.arrears = None;
        }
        self
    }

    /// Takes an event.
    ///
    /// Idempotent as [`Log::append`] is. Answered when it is durable in the log, in the queue or in both.
    ///
    /// # Errors
    ///
    /// [`AppendError`]: nothing took it, or not all that must. `Unknown` and, with [`Ack::Queue`], `Unavailable` do
    /// not say that it is not in the log.
    pub async fn take(&self, event: Event) -> Result<Taken, AppendError> {
        let Some(spill) = &self.spill else {
            let appended = self.timed.append(self.log.append(event)).await;
            match &appended {
                Ok(_) => self.outage.is_over(),
                Err(AppendError::Unavailable(_) | AppendError::Unknown(_)) => {
                    self.outage.goes_on(false);
                }
                Err(AppendError::TooLarge { .. }) => {}
            }
            return appended.map(Taken::from);
        };
        let accepted_at_us = spill.stamp.next_us();
        let appended = async {
            let appended = timeout(Self::LOG_WITHIN, self.log.append(event.clone())).await;
            appended.unwrap_or_else(|_elapsed| {
                Err(AppendError::Unknown(BoxError::from("no answer in time")))
            })
        };
        let (spilled, refused) = match self.timed.append(appended).await {
            Ok(appended) => {
                self.outage.is_over();
                return spill.mirror(&self.tracer, accepted_at_us, event, appended).await;
            }
            Err(unavailable @ AppendError::Unavailable(_)) => (
                spill.spill(&self.tracer, accepted_at_us, event, InLog::No, "unavailable").await,
                unavailable,
            ),
            Err(unknown @ AppendError::Unknown(_)) => (
                spill.spill(&self.tracer, accepted_at_us, event, InLog::Perhaps, "unknown").await,
                unknown,
            ),
            Err(hopeless @ AppendError::TooLarge { .. }) => return Err(hopeless),
        };
        self.outage.goes_on(spilled.is_ok());
        spilled.map_err(|_told| refused)
    }

    /// Whether there is a queue, and so [`Intake::defer`].
    #[must_use]
    pub fn has_queue(&self) -> bool {
        self.spill.is_some()
    }

    /// Takes an event into the queue alone, for the log to have it later: there are too many now.
    ///
    /// # Errors
    ///
    /// [`AppendError::Unavailable`]: the queue did not take it, or there is none.
    pub async fn defer(&self, event: Event) -> Result<Taken, AppendError> {
        let Some(spill) = &self.spill else {
            return Err(AppendError::Unavailable(BoxError::from("there is no queue")));
        };
        let accepted_at_us = spill.stamp.next_us();
        let spilled =
            spill.spill(&self.tracer, accepted_at_us, event, InLog::No, "over_limit").await;
        spilled.map_err(|error| AppendError::Unavailable(error.into()))
    }

    /// Keeps a notification that can never become an event.
    ///
    /// # Errors
    ///
    /// The cause: it is kept nowhere.
    pub async fn keep(&self, notification: Quarantined) -> Result<Kept, BoxError> {
        let Some(spill) = &self.spill else {
            return self.quarantine.put(notification).await.map(Kept::Quarantined);
        };
        let put = timeout(Self::LOG_WITHIN, self.quarantine.put(notification.clone())).await;
        match put.unwrap_or_else(|_elapsed| Err("no answer in time".into())) {
            Ok(number) => Ok(Kept::Quarantined(number)),
            Err(cause) => {
                let content = Content::Quarantined(notification);
                let accepted_at_us = spill.stamp.next_us();
                let sent =
                    spill.send(Record { accepted_at_us, content }.encode(), Duration::ZERO).await;
                sent.map(|()| Kept::Queued).map_err(|_told| cause)
            }
        }
    }
}

impl From<Appended> for Taken {
    fn from(appended: Appended) -> Self {
        match appended {
            Appended::New(position) => Self::Appended(position),
            Appended::Duplicate(position) => Self::Duplicate(position),
        }
    }
}

impl Spill {
    /// Sends what the log has taken, so that the drain can look for it there.
    ///
    /// A duplicate is sent too: whoever appended it first may have died before it sent it.
    async fn mirror(
        &self,
        tracer: &Tracer,
        accepted_at_us: u64,
        event: Event,
        appended: Appended,
    ) -> Result<Taken, AppendError> {
        if self.durability.mode == Mode::Mirror {
            let mut span = tracer.below(&event, "mirror", Kind::Producer);
            let (id, in_log) = (event.id.clone(), appended.position().into());
            let record = Record { accepted_at_us, content: Content::Event(event, in_log) };
            let body = record.encode();
            let sent = self.send(body.clone(), self.durability.delay).await;
            span.set_failure(sent.as_ref().err().map(SendError::as_str));
            match sent {
                Ok(()) => {}
                Err(SendError::Unavailable(cause)) if self.durability.ack == Ack::Queue => {
                    return Err(AppendError::Unavailable(cause));
                }
                Err(SendError::Unavailable(_)) => {
                    tracing::debug!(event.id = %id, "only the log has an event");
                    match &self.arrears {
                        Some(arrears) => arrears.keep(body),
                        None if self.send(body, self.durability.delay).await.is_ok() => {}
                        None => metrics::counter!("hookwire_unmirrored_total").increment(1),
                    }
                }
                // No later send would be taken, and the log has it.
                Err(SendError::TooLarge { .. } | SendError::Refused(_)) => {
                    metrics::counter!("hookwire_unmirrored_total").increment(1);
                }
            }
        }
        Ok(appended.into())
    }

    /// Sends what the log has not taken.
    async fn spill(
        &self,
        tracer: &Tracer,
        accepted_at_us: u64,
        event: Event,
        in_log: InLog,
        why: &'static str,
    ) -> Result<Taken, SendError> {
        let mut span = tracer.below(&event, "spill", Kind::Producer);
        span.set("hookwire.in_log", why);
        let record = Record { accepted_at_us, content: Content::Event(event, in_log) };
        let sent = self.send(record.encode(), Duration::ZERO).await;
        span.set_failure(sent.as_ref().err().map(SendError::as_str));
        sent?;
        self.lateness.queued(accepted_at_us);
        metrics::counter!("hookwire_spilled_total", "log" => why).increment(1);
        Ok(Taken::Queued)
    }

    async fn send(&self, body: String, delay: Duration) -> Result<(), SendError> {
        let sent = self.queue.send(body, delay).await;
        if let Err(error) = &sent {
            // The queue itself tells of its trouble, once and not per event.
            tracing::debug!(
                error = error as &dyn std::error::Error,
                "the queue did not take a record"
            );
        }
        sent
    }
}
