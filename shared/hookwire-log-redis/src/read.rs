use std::sync::Arc;

use bytes::Bytes;
use hookwire_event::{Event, Position, Topic, decode_record};
use hookwire_log::{BoxError, Entry, Gap, GapReason, Page, PageLimit, ReadError, Start};
use hookwire_redis::redis::{FromRedisValue, ParsingError, Value};
use hookwire_redis::{Call, Purpose, Script};

use crate::fault::read_error;
use crate::keys::TopicKeys;
use crate::resume::{Resume, Surroundings, between, resume};
use crate::{Shared, script};

/// Reads topics.
#[derive(Debug)]
pub(crate) struct Reader {
    shared: Arc<Shared>,
    read: Script,
    locate: Script,
}

/// One entry as it is stored.
struct Stored {
    position: Position,
    /// What it says stood before it, where a generation begins.
    previous: Option<Position>,
    record: Option<Bytes>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, read: script::read(), locate: script::locate() }
    }

    pub(crate) async fn page(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        let (around, stored) = self.stored(topic, after, limit).await?;
        let page = |mut page: Page, gap| {
            // A gap right behind another one is found again by the next read.
            if page.gap.is_some() {
                page.entries.clear();
            }
            Page { gap: Some(gap), ..page }
        };
        Ok(match resume(after, &around) {
            Resume::Here => self.chain(topic, after, &stored),
            Resume::After(gap) if self.is_silent(&gap) => {
                self.chain(topic, gap.resumed_at, &stored)
            }
            Resume::After(gap) => page(self.chain(topic, gap.resumed_at, &stored), gap),
            Resume::Elsewhere(gap) => Page { gap: Some(gap), entries: Vec::new() },
        })
    }

    pub(crate) async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        let (how, what) = match start {
            Start::Tail => ("tail", 0),
            Start::Earliest => ("earliest", 0),
            Start::Last(count) => ("last", count),
            Start::Since(since_ms) => ("since", since_ms),
        };
        let what = what.to_string();
        let answer = self.run(topic, &self.locate, &[how.as_bytes(), what.as_bytes()]).await?;
        let position = String::from_redis_value(answer).map_err(unreadable)?;
        position.parse().map_err(|error| ReadError(BoxError::from(error)))
    }

    async fn stored(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<(Surroundings, Vec<Stored>), ReadError> {
        let arguments = [
            after.generation.to_string(),
            after.k.to_string(),
            limit.events.to_string(),
            limit.bytes.min(u32::MAX as usize).to_string(),
        ];
        let arguments = arguments.each_ref().map(|argument| argument.as_bytes());
        let answer = self.run(topic, &self.read, &arguments).await?;
        type Answer = (String, String, String, String, Vec<(String, Vec<Value>)>);
        let (tail, before, oldest, below, entries) =
            Answer::from_redis_value(answer).map_err(unreadable)?;
        let tail = tail.parse().map_err(|error| ReadError(BoxError::from(error)))?;
        let stored: Vec<Stored> =
            entries.into_iter().filter_map(|(id, fields)| Stored::new(&id, fields)).collect();
        let around = Surroundings {
            tail,
            before_generation: before.parse().ok(),
            oldest: oldest.parse().ok(),
            below: below.parse().ok(),
            next: stored.first().map(|first| (first.position, first.previous)),
        };
        Ok((around, stored))
    }

    /// The entries that follow one another after `previous`, up to the first that cannot be told without a gap; that one
    /// is at the front of the next page.
    fn chain(&self, topic: &Topic, mut previous: Position, stored: &[Stored]) -> Page {
        let mut page = Page::default();
        for (index, one) in stored.iter().enumerate() {
            let gap = between(previous, one.position, one.previous);
            let event = one.event(topic);
            let gap = match (&event, gap.filter(|gap| !self.is_silent(gap))) {
                (Some(_), gap) => gap,
                (None, _) if index > 0 => break,
                (None, _) => return self.damaged(topic, previous, stored),
            };
            if gap.is_some() && index > 0 {
                break;
            }
            page.gap = page.gap.or(gap);
            let Some(event) = event else { break };
            let said = one.previous.unwrap_or_else(|| one.position.previous());
            page.entries.push(Entry {
                position: one.position,
                previous: said,
                event: Arc::new(event),
                accepted: None,
            });
            previous = one.position;
        }
        page
    }

    /// Whether a gap is not worth telling of: where lost events come back, a change alone means nothing.
    fn is_silent(&self, gap: &Gap) -> bool {
        gap.reason == GapReason::ServerChanged && !self.shared.tell_server_change
    }

    /// A page that begins with entries nobody can read: they are passed over, and told of.
    fn damaged(&self, topic: &Topic, previous: Position, stored: &[Stored]) -> Page {
        let unreadable = stored.iter().take_while(|one| one.event(topic).is_none());
        let Some(last) = unreadable.clone().last() else { return Page::default() };
        let count = unreadable.count() as u64;
        metrics::counter!("hookwire_log_damaged_entries_total").increment(count);
        if self.shared.damaged.again().is_some() {
            tracing::error!(topic.hash = %topic.hash(), missed = count, "entries of the log in Redis cannot be read and are skipped");
        }
        let same = previous.generation == last.position.generation;
        // Between generations more may have been lost than these.
        let missed = same.then(|| last.position.k.saturating_sub(previous.k));
        let gap =
            Gap { reason: GapReason::Rollback, missed, certain: true, resumed_at: last.position };
        Page { gap: Some(gap), entries: Vec::new() }
    }

    async fn run(
        &self,
        topic: &Topic,
        script: &Script,
        arguments: &[&[u8]],
    ) -> Result<Value, ReadError> {
        let redis = &self.shared.redis;
        let keys = TopicKeys::new(redis.keys(), topic);
        let common = self.shared.common_arguments();
        let arguments: Vec<&[u8]> =
            common.iter().map(Vec::as_slice).chain(arguments.iter().copied()).collect();
        let keys = [&*keys.log, &*keys.state, &*keys.marks[0], &*keys.marks[1]];
        let call = Call::Script(script, &keys, &arguments);
        redis.call(Purpose::Read, call).await.map_err(read_error)
    }
}

impl Stored {
    fn new(id: &str, fields: Vec<Value>) -> Option<Self> {
        let mut stored = Self { position: id.parse().ok()?, previous: None, record: None };
        let mut fields = fields.into_iter();
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            match (name, value) {
                (Value::BulkString(name), Value::BulkString(value)) if name == b"r" => {
                    stored.record = Some(value.into());
                }
                (Value::BulkString(name), Value::BulkString(value)) if name == b"p" => {
                    stored.previous = std::str::from_utf8(&value).ok()?.parse().ok();
                }
                _ => {}
            }
        }
        Some(stored)
    }

    fn event(&self, topic: &Topic) -> Option<Event> {
        decode_record(topic, self.record.as_ref()?).ok()
    }
}

fn unreadable(error: ParsingError) -> ReadError {
    ReadError(BoxError::from(error))
}
