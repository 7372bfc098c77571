use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hookwire_event::{Event, Topic, encode_record};
use hookwire_log::{Accepted, AppendError, Appended, BoxError};
use hookwire_redis::redis::FromRedisValue;
use hookwire_redis::{Call, Fault, Purpose, Script};
use tokio::sync::oneshot;

use crate::fault::append_error;
use crate::keys::{TopicKeys, mark};
use crate::{Shared, script};

/// Appends events, those of one topic one call after another: what comes while a call is on its way shares the next one.
///
/// So an append that comes alone goes at once, and a rush costs few calls.
#[derive(Debug, Clone)]
pub(crate) struct Appender {
    shared: Arc<Shared>,
    script: Arc<Script>,
    lanes: Arc<Mutex<HashMap<Topic, Lane>>>,
}

/// What waits for the call of its topic that is on its way.
#[derive(Debug, Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    mark: [u8; 16],
    record: Vec<u8>,
    /// When the append was asked for, as the script passes it on.
    accepted: String,
    answer: oneshot::Sender<Result<Appended, Arc<Fault>>>,
}

/// Most events that share a call: the server does nothing else meanwhile, about 15 µs for each.
const AT_ONCE: usize = 128;
/// Most bytes of records that share a call; a larger record has one of its own.
const BYTES_AT_ONCE: usize = 1024 * 1024;
/// Most events, and bytes of records, that wait in one topic; more would only time out.
const WAITING: usize = 4_096;
const BYTES_WAITING: usize = 32 * 1024 * 1024;
/// Longest time until an append is answered, retry included.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Largest record that a publish carries. Larger ones are read from the log: a subscriber that is slow for a moment would
/// otherwise be cut by the server's limit on what it buffers.
const CARRIED_BYTES: &[u8] = b"16384";

impl Appender {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, script: Arc::new(script::append()), lanes: Arc::default() }
    }

    pub(crate) async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        let accepted = Accepted::now().as_us().to_string();
        let record = encode_record(&event);
        let (size_bytes, limit_bytes) = (record.len() as u64, self.shared.retention.bytes);
        if size_bytes > limit_bytes {
            return Err(AppendError::TooLarge { size_bytes, limit_bytes });
        }
        let (answer, answered) = oneshot::channel();
        let mark = mark(self.shared.redis.keys(), &event);
        let waiting = Waiting { mark, record, accepted, answer };
        self.enqueue(event.topic, waiting)?;
        match tokio::time::timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(answer)) => answer.map_err(|fault| append_error(fault.as_ref().clone())),
            Ok(Err(_gone)) => Err(AppendError::Unknown(BoxError::from("the append was given up"))),
            Err(_elapsed) => Err(AppendError::Unknown(BoxError::from("no answer in time"))),
        }
    }

    fn enqueue(&self, topic: Topic, waiting: Waiting) -> Result<(), AppendError> {
        match self.lanes().entry(topic) {
            Entry::Occupied(mut lane) => lane.get_mut().push(waiting),
            Entry::Vacant(lane) => {
                // On a task of its own: the caller may go away, and those that come after it wait for this call.
                let (appender, topic) = (self.clone(), lane.key().clone());
                lane.insert(Lane::default());
                tokio::spawn(async move { appender.run(topic, vec![waiting]).await });
                Ok(())
            }
        }
    }

    /// Makes one call after another until nothing waits any more.
    async fn run(&self, topic: Topic, mut batch: Vec<Waiting>) {
        while !batch.is_empty() {
            self.call(&topic, batch).await;
            batch = self.next_batch(&topic);
        }
    }

    fn next_batch(&self, topic: &Topic) -> Vec<Waiting> {
        let mut lanes = self.lanes();
        let batch = lanes.get_mut(topic).map(Lane::next_batch).unwrap_or_default();
        if batch.is_empty() {
            lanes.remove(topic);
        }
        batch
    }

    async fn call(&self, topic: &Topic, batch: Vec<Waiting>) {
        let answers = self.positions(topic, &batch).await.map_err(Arc::new);
        let mut answers = answers.map(|answers| answers.into_iter());
        for waiting in batch {
            let answer = match &mut answers {
                Ok(answers) => answers.next().ok_or_else(|| {
                    Arc::new(Fault::Refused("an event before it was refused".into()))
                }),
                Err(fault) => Err(Arc::clone(fault)),
            };
            // A caller that went away repeats its append, which is then a duplicate.
            drop(waiting.answer.send(answer));
        }
    }

    /// What became of the events, in their order, up to the first that was refused.
    async fn positions(&self, topic: &Topic, batch: &[Waiting]) -> Result<Vec<Appended>, Fault> {
        let redis = &self.shared.redis;
        let keys = TopicKeys::new(redis.keys(), topic);
        let common = self.shared.common_arguments();
        let command: &[u8] = if redis.is_cluster() { b"SPUBLISH" } else { b"PUBLISH" };
        let mut arguments: Vec<&[u8]> = common.iter().map(Vec::as_slice).collect();
        arguments.extend([command, keys.channel.as_bytes(), CARRIED_BYTES]);
        for waiting in batch {
            let accepted = waiting.accepted.as_bytes();
            arguments.extend([waiting.mark.as_slice(), waiting.record.as_slice(), accepted]);
        }
        let keys = [&*keys.log, &*keys.state, &*keys.marks[0], &*keys.marks[1]];
        let call = Call::Script(&self.script, &keys, &arguments);
        let answer = redis.call(Purpose::Append, call).await?;
        let answers = Vec::<(u8, String)>::from_redis_value(answer);
        let answers = answers.map_err(|error| Fault::Refused(error.to_string()))?;
        let appended = answers.into_iter().map(|(new, position)| {
            let position = position.parse().ok()?;
            Some(if new == 1 { Appended::New(position) } else { Appended::Duplicate(position) })
        });
        let appended: Option<Vec<_>> = appended.collect();
        appended.ok_or_else(|| Fault::Refused("the answer cannot be read".into()))
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Topic, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn push(&mut self, waiting: Waiting) -> Result<(), AppendError> {
        if self.waiting.len() >= WAITING || self.bytes >= BYTES_WAITING {
            return Err(AppendError::Unavailable(BoxError::from("too many appends wait")));
        }
        self.bytes += waiting.record.len();
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// Takes what the next call carries, without those whose callers have given up.
    fn next_batch(&mut self) -> Vec<Waiting> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            let size_bytes = next.record.len();
            let fits = batch.is_empty() || bytes + size_bytes <= BYTES_AT_ONCE;
            if batch.len() >= AT_ONCE || !fits {
                break;
            }
            let next = self.waiting.pop_front();
            self.bytes -= size_bytes;
            let wanted = next.filter(|waiting| !waiting.answer.is_closed());
            bytes += wanted.as_ref().map_or(0, |_| size_bytes);
            batch.extend(wanted);
        }
        batch
    }
}
