use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use hookwire_event::{Event, Position, Topic};
use hookwire_log::{AppendError, Appended, Lateness, Log, Quarantine, Quarantined};
use hookwire_traces::{Kind, Span, Tracer};

use crate::search::{find, holds, identity};
use crate::stamp::now_us;
use crate::timed::Timed;
use crate::{Content, InLog, Message, Record};

/// Moves what the queue holds into the log.
///
/// Whatever happens to it on the way, a message is deleted only when what it carries is in the log; with
/// [`DrainConfig::verify_after`] only when it was found there that long after its append, since a log that was just
/// brought back may fail again. A drain that dies repeats safely: an append is idempotent.
#[derive(Debug)]
pub struct Drain {
    log: Arc<dyn Log>,
    quarantine: Arc<dyn Quarantine>,
    config: DrainConfig,
    lateness: Lateness,
    tracer: Tracer,
    timed: Timed,
}

/// What the drain must know of the log.
#[derive(Debug, Clone, Copy)]
pub struct DrainConfig {
    /// For how long the log knows an id again. What is older is looked for before it is appended.
    pub dedupe_window: Duration,
    /// For how long the log keeps an event. What is older and gone has been there.
    pub retention_age: Duration,
    /// When it is looked whether the log still has what was appended; nothing if it loses nothing, or may.
    pub verify_after: Option<Duration>,
}

/// What is to become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// What it carries is in the log: delete it.
    Done,
    /// What it carries was appended, and the log may lose it yet: send this in its place.
    Verify {
        /// The same, and where it was appended.
        body: String,
        /// When it is to be received.
        after: Duration,
    },
    /// The log did not answer: it is to be tried again.
    Later,
    /// It can never get into the log: after some attempts a human must look at it.
    Hopeless(String),
}

/// An event on its way, and which message it came in.
#[derive(Debug)]
struct Carried {
    message: usize,
    /// How often its message was received, and how long ago that was sent.
    receives: u32,
    sent_ago: Duration,
    accepted_at_us: u64,
    event: Event,
    in_log: InLog,
    span: Span,
}

impl Carried {
    /// Notes what became of it, and counts that.
    fn became(&mut self, outcome: &'static str) {
        count(outcome);
        self.span.set("outcome", outcome);
        self.span.set_failure(None);
    }

    /// Where it was appended, as far as is known.
    fn position(&self) -> Option<Position> {
        match self.in_log {
            InLog::At { generation, k } => Some(Position::new(generation, k)),
            InLog::No | InLog::Perhaps => None,
        }
    }

    /// Whether it may be in the log at a place that is not known, while its id may be forgotten there.
    fn may_be_elsewhere(&self, dedupe_window: Duration) -> bool {
        // Only what no drain has had yet was certainly never appended.
        let is_new = self.in_log == InLog::No && self.receives == 1;
        let age = Duration::from_micros(now_us().saturating_sub(self.accepted_at_us));
        !is_new && age > dedupe_window.saturating_sub(MARGIN)
    }
}

/// By how much a mark may be forgotten earlier than is thought here, where clocks differ and calls take time.
const MARGIN: Duration = Duration::from_mins(1);

impl Drain {
    /// Topics that are worked on at once.
    const TOPICS_AT_ONCE: usize = 32;
    /// Events of one topic that are appended at once, which costs one call of the log.
    const EVENTS_AT_ONCE: usize = 128;

    /// A drain into this log; it notes in `lateness` when it meets what the log does not have.
    pub fn new(
        log: Arc<dyn Log>,
        quarantine: Arc<dyn Quarantine>,
        config: DrainConfig,
        lateness: Lateness,
    ) -> Self {
        let (tracer, timed) = (Tracer::default(), Timed::default());
        Self { log, quarantine, config, lateness, tracer, timed }
    }

    /// Has what happens to events recorded in their traces. The log records its appends itself.
    #[must_use]
    pub fn with_tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// Whether the log would take something now.
    pub async fn ready(&self) -> bool {
        self.log.ready().await.is_ok()
    }

    /// Moves what these messages carry into the log, and says what is to become of each, in their order.
    ///
    /// Events of one topic are appended in the order in which they were accepted. Those behind one that is not appended
    /// wait, unless they were on their way with it.
    pub async fn take(&self, messages: &[Message]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Later; messages.len()];
        let mut topics: HashMap<Topic, Vec<Carried>> = HashMap::new();
        let mut notifications = Vec::new();
        for (message, received) in messages.iter().enumerate() {
            match Record::decode(&received.body) {
                Ok(Record { accepted_at_us, content: Content::Event(event, in_log) }) => {
                    let carried = topics.entry(event.topic.clone()).or_default();
                    let sent_ago = match received.sent_at_ms {
                        0 => Duration::ZERO,
                        sent_at_ms => Duration::from_micros(now_us())
                            .saturating_sub(Duration::from_millis(sent_at_ms)),
                    };
                    let receives = received.receives;
                    let mut span = self.tracer.below(&event, "drain", Kind::Consumer);
                    span.set("hookwire.receives", receives);
                    // Those that no verdict is given on.
                    span.set_failure(Some("unavailable"));
                    carried.push(Carried {
                        message,
                        receives,
                        sent_ago,
                        accepted_at_us,
                        event,
                        in_log,
                        span,
                    });
                }
                Ok(Record { content: Content::Quarantined(notification), .. }) => {
                    notifications.push((message, notification));
                }
                Err(unreadable) => {
                    judge(&mut verdicts, message, Verdict::Hopeless(unreadable.to_string()));
                }
            }
        }
        let taken = stream::iter(topics).map(|(topic, carried)| self.take_topic(topic, carried));
        let taken: Vec<_> = taken.buffer_unordered(Self::TOPICS_AT_ONCE).collect().await;
        let kept = self.keep(notifications).await;
        for (message, verdict) in taken.into_iter().flatten().chain(kept) {
            judge(&mut verdicts, message, verdict);
        }
        verdicts
    }

    /// Brings the events of one topic into its log; those that no verdict is given on must come again.
    async fn take_topic(&self, topic: Topic, mut carried: Vec<Carried>) -> Vec<(usize, Verdict)> {
        carried.sort_by_key(|carried| carried.accepted_at_us);
        let mut verdicts = Vec::with_capacity(carried.len());
        let Some(missing) = self.missing(&topic, carried, &mut verdicts).await else {
            return verdicts;
        };
        if let Some(oldest_us) = missing.iter().map(|carried| carried.accepted_at_us).min() {
            self.lateness.drained(oldest_us);
        }
        let mut missing = missing.into_iter().peekable();
        while missing.peek().is_some() {
            let events: Vec<_> = missing.by_ref().take(Self::EVENTS_AT_ONCE).collect();
            let append = |event: &Event| self.timed.append(self.log.append(event.clone()));
            let appends = events.iter().map(|carried| append(&carried.event));
            let appended = join_all(appends).await;
            let mut failed = false;
            for (mut carried, appended) in events.into_iter().zip(appended) {
                let message = carried.message;
                match appended {
                    Ok(appended) => verdicts.push((message, self.appended(carried, appended))),
                    Err(error @ AppendError::TooLarge { .. }) => {
                        carried.span.set_failure(Some("too_large"));
                        verdicts.push((message, Verdict::Hopeless(error.to_string())));
                    }
                    Err(AppendError::Unavailable(_) | AppendError::Unknown(_)) => failed = true,
                }
            }
            if failed {
                break;
            }
        }
        verdicts
    }

    fn appended(&self, mut carried: Carried, appended: Appended) -> Verdict {
        carried.became(match appended {
            Appended::New(_) => "appended",
            Appended::Duplicate(_) => "duplicate",
        });
        // Mark and entry are one: it has been where it is said to be, and was trimmed.
        let is_where_it_was = carried.position() == Some(appended.position());
        let Some(after) = self.config.verify_after.filter(|_| !is_where_it_was) else {
            return Verdict::Done;
        };
        let Carried { accepted_at_us, event, .. } = carried;
        let content = Content::Event(event, appended.position().into());
        Verdict::Verify { body: Record { accepted_at_us, content }.encode(), after }
    }

    /// Those of the events that are to be appended; nothing when the log does not say.
    async fn missing(
        &self,
        topic: &Topic,
        carried: Vec<Carried>,
        verdicts: &mut Vec<(usize, Verdict)>,
    ) -> Option<Vec<Carried>> {
        let at = |carried: &Carried| Some((carried.position()?, carried.event.id.clone()));
        let mirrored: Vec<_> = carried.iter().filter_map(at).collect();
        let mut held = holds(&*self.log, topic, &mirrored).await.ok()?.into_iter();
        let mut missing = Vec::new();
        for mut carried in carried {
            // A message with a position is sent right after the append: what is as old as the log keeps anything has been
            // there, and went as everything does.
            let is_there = carried.position().is_some()
                && (held.next().unwrap_or(false) || carried.sent_ago > self.config.retention_age);
            if is_there {
                carried.became("found");
                verdicts.push((carried.message, Verdict::Done));
            } else {
                missing.push(carried);
            }
        }
        let window = self.config.dedupe_window;
        let is_unsure = |carried: &&Carried| carried.may_be_elsewhere(window);
        let unsure: Vec<_> = missing.iter().filter(is_unsure).collect();
        let Some(since_us) = unsure.iter().map(|carried| carried.accepted_at_us).min() else {
            return Some(missing);
        };
        let events: Vec<_> = unsure.iter().map(|carried| &carried.event).collect();
        let found = find(&*self.log, topic, &events, since_us / 1_000).await.ok()?;
        let mut absent = Vec::new();
        for carried in missing {
            let place = found.get(&identity(&carried.event)).copied();
            match place.filter(|_| carried.may_be_elsewhere(window)) {
                Some(place) => {
                    let message = carried.message;
                    verdicts.push((message, self.appended(carried, Appended::Duplicate(place))));
                }
                None => absent.push(carried),
            }
        }
        Some(absent)
    }

    async fn keep(&self, notifications: Vec<(usize, Quarantined)>) -> Vec<(usize, Verdict)> {
        let mut verdicts = Vec::new();
        for (message, notification) in notifications {
            // One that is not put is given no verdict, and comes again.
            if self.quarantine.put(notification).await.is_ok() {
                count("quarantined");
                verdicts.push((message, Verdict::Done));
            }
        }
        verdicts
    }
}

fn judge(verdicts: &mut [Verdict], message: usize, verdict: Verdict) {
    if let Some(place) = verdicts.get_mut(message) {
        *place = verdict;
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("hookwire_drained_total", "outcome" => outcome).increment(1);
}
