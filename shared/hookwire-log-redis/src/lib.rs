//! The shared log: any number of processes over one Redis, standalone, behind Sentinel, or a cluster.
//!
//! An append is one Lua call: deduplicate, store, publish, atomically, in one slot. What Redis loses when it is restarted
//! or replaced is noticed: a topic's generation changes with the server that keeps it, and a position that is not there
//! any more is a gap. One connection per process subscribes to everything that is followed; a publish may be lost, and
//! then the log is read. While Redis is away appends and reads fail, quickly, and watches go on.

mod append;
mod config;
mod fault;
mod keys;
mod message;
mod quarantine;
mod read;
mod report;
mod resume;
mod script;
mod subscriber;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};
use hookwire_log::{
    AppendError, Appended, BoxError, Clock, Listener, Log, NotReady, Page, PageLimit, ReadError,
    Retention, Start, Watch,
};
use hookwire_redis::{Call, Purpose, Redis, Script, SetUpError};
use hookwire_telemetry::SharedStretch;

pub use config::RedisLogConfig;
pub use report::ServerReport;

use crate::append::Appender;
use crate::fault::not_ready;
use crate::read::Reader;
use crate::subscriber::{Hearing, Subscriber};

/// The log in Redis.
#[derive(Debug)]
pub struct RedisLog {
    shared: Arc<Shared>,
    appender: Appender,
    reader: Reader,
    subscriber: OnceLock<Subscriber>,
    put: Script,
    remove: Script,
    /// Notifications that were dropped for newer ones.
    dropped: SharedStretch,
}

/// Longest age and window that are told to Redis, a hundred years: it computes with them in milliseconds.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// What appends, reads and the subscription have in common.
#[derive(Debug)]
struct Shared {
    redis: Arc<Redis>,
    retention: Retention,
    clock: Option<Clock>,
    tell_server_change: bool,
    /// Entries that nobody can read, whose topics are read again and again.
    damaged: SharedStretch,
}

impl RedisLog {
    /// Sets the log up with a Redis of its own. Nothing is connected before it is needed, so Redis may be away.
    ///
    /// # Errors
    ///
    /// [`SetUpError`]: the certificates cannot be read.
    pub fn new(config: &RedisLogConfig) -> Result<Self, SetUpError> {
        Ok(Self::on(Arc::new(Redis::new(&config.redis)?), config))
    }

    /// Sets the log up on a Redis that was made of the same configuration and that other adapters use too.
    #[must_use]
    pub fn on(redis: Arc<Redis>, config: &RedisLogConfig) -> Self {
        let shared = Arc::new(Shared {
            redis,
            retention: config.retention,
            clock: config.clock.clone(),
            tell_server_change: config.tell_server_change,
            damaged: SharedStretch::default(),
        });
        Self {
            appender: Appender::new(Arc::clone(&shared)),
            reader: Reader::new(Arc::clone(&shared)),
            shared,
            subscriber: OnceLock::new(),
            put: script::quarantine(),
            remove: script::remove(),
            dropped: SharedStretch::default(),
        }
    }

    /// Subscribes now and not with the first watch, for a process that serves streams: it then notices at once when Redis
    /// goes away and comes back. Needs a runtime.
    pub fn listen(&self) {
        self.subscriber();
    }

    /// Asks the server, or each of a cluster, what it is and what should be changed about it.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: no answer.
    pub async fn report(&self) -> Result<Vec<ServerReport>, ReadError> {
        ServerReport::of(&self.shared.redis).await
    }

    fn subscriber(&self) -> &Subscriber {
        self.subscriber.get_or_init(|| Subscriber::start(Arc::clone(&self.shared)))
    }
}

impl Shared {
    /// What every script of a topic takes first.
    fn common_arguments(&self) -> [Vec<u8>; 6] {
        let now_ms =
            self.clock.as_ref().map_or_else(String::new, |clock| clock.now_ms().to_string());
        let age_ms = self.retention.age.min(LONGEST).as_millis().max(1);
        // Longer than any entry lives, so that a reader who comes back finds the numbers where they were.
        let state_ms = age_ms + Duration::from_hours(7 * 24).as_millis();
        [
            now_ms,
            age_ms.to_string(),
            self.retention.events.to_string(),
            self.retention.bytes.to_string(),
            self.retention.dedupe_window.min(LONGEST).as_millis().max(1).to_string(),
            state_ms.to_string(),
        ]
        .map(String::into_bytes)
    }
}

#[async_trait]
impl Log for RedisLog {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        self.appender.append(event).await
    }

    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        self.reader.page(topic, after, limit).await
    }

    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        self.reader.locate(topic, start).await
    }

    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError> {
        self.subscriber().watch(topic, listener).await
    }

    async fn ready(&self) -> Result<(), NotReady> {
        let redis = &self.shared.redis;
        if let Some(Hearing::Nothing(reason)) = self.subscriber.get().map(Subscriber::hearing) {
            let cause = BoxError::from(format!("the subscription is down: {reason}"));
            return Err(match redis.is_left_alone() {
                true => NotReady::LeftAlone(cause),
                false => NotReady::Unreachable(cause),
            });
        }
        // A write and no PING: a server that is full, or a replica, answers that one as well.
        let key = redis.keys().probe();
        let mut probe = hookwire_redis::redis::cmd("SET");
        probe.arg(&key).arg(1).arg("PX").arg(1_000);
        let probed = redis.call(Purpose::Read, Call::Command(&probe, Some(&key))).await;
        probed.map(drop).map_err(not_ready)
    }
}
