//! The shared log: any number of processes over one Redis, standalone, behind Sentinel, or a cluster.
//!
//! An append is one Lua call: deduplicate, store, publish, atomically, in one slot. What Redis loses when it is restarted
//! or replaced is noticed: a topic's generation changes with the server that keeps it, and a position that is not there
//! any more is a gap. One connection per process subscribes to everything that is followed; a publish may be lost, and
//! then the log is read. While Redis is away appends and reads fail, quickly, and watches go on.

#[path = "../../hookwire-redis/src/address.rs"]
mod address;
mod append;
#[path = "../../hookwire-redis/src/calls.rs"]
mod calls;
#[path = "../../hookwire-redis/src/config.rs"]
mod config;
#[path = "../../hookwire-redis/src/connection.rs"]
mod connection;
#[path = "../../hookwire-redis/src/fault.rs"]
mod fault;
#[path = "../../hookwire-redis/src/keys.rs"]
mod keys;
#[path = "../../hookwire-redis/src/masters.rs"]
mod masters;
mod message;
#[path = "../../hookwire-redis/src/pool.rs"]
mod pool;
mod quarantine;
mod read;
mod report;
mod resume;
mod script;
#[path = "../../hookwire-redis/src/server.rs"]
mod server;
mod subscriber;
#[path = "../../hookwire-redis/src/trouble.rs"]
mod trouble;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};
use hookwire_log::{
    AppendError, Appended, BoxError, Clock, Listener, Log, Page, PageLimit, ReadError, Retention,
    Start, Watch,
};

pub use address::{InvalidAddress, RedisAddress};
pub use config::{HashSecret, RedisConfig};
pub use report::ServerReport;
pub use server::Certificates;

use crate::append::Appender;
use crate::calls::{Call, Calls, Purpose};
use crate::keys::Keys;
use crate::read::Reader;
use crate::script::Script;
use crate::server::Server;
use crate::subscriber::{Hearing, Subscriber};

/// The log in Redis.
#[derive(Debug)]
pub struct RedisLog {
    shared: Arc<Shared>,
    server: Server,
    appender: Appender,
    reader: Reader,
    subscriber: OnceLock<Subscriber>,
    put: Script,
    remove: Script,
}

/// Longest age and window that are told to Redis, a hundred years: it computes with them in milliseconds.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// What appends, reads and the subscription have in common.
#[derive(Debug)]
struct Shared {
    keys: Keys,
    calls: Calls,
    retention: Retention,
    clock: Option<Clock>,
    tell_server_change: bool,
    /// In a cluster a channel belongs to a slot, like a key.
    sharded: bool,
}

/// The configuration cannot be used, whatever Redis says.
#[derive(Debug, thiserror::Error)]
#[error("the connection to Redis cannot be set up")]
pub struct SetUpError(#[source] BoxError);

impl RedisLog {
    /// Sets the log up. Nothing is connected before it is needed, so Redis may be away.
    ///
    /// # Errors
    ///
    /// [`SetUpError`]: the certificates cannot be read.
    pub fn new(config: &RedisConfig) -> Result<Self, SetUpError> {
        let server = Server::new(config).map_err(|error| SetUpError(error.into()))?;
        let calls = Calls::new(&server, config).map_err(|error| SetUpError(error.into()))?;
        let shared = Arc::new(Shared {
            keys: Keys::new(&config.namespace, &config.hash_secret.0),
            calls,
            retention: config.retention,
            clock: config.clock.clone(),
            tell_server_change: config.tell_server_change,
            sharded: server.is_cluster(),
        });
        Ok(Self {
            appender: Appender::new(Arc::clone(&shared)),
            reader: Reader::new(Arc::clone(&shared)),
            shared,
            server,
            subscriber: OnceLock::new(),
            put: Script::quarantine(),
            remove: Script::remove(),
        })
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
        ServerReport::of(&self.shared.calls, &self.server).await
    }

    fn subscriber(&self) -> &Subscriber {
        let start = || Subscriber::start(self.server.clone(), Arc::clone(&self.shared));
        self.subscriber.get_or_init(start)
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

    async fn ready(&self) -> Result<(), ReadError> {
        if let Some(Hearing::Nothing(reason)) = self.subscriber.get().map(Subscriber::hearing) {
            return Err(ReadError(format!("the subscription is down: {reason}").into()));
        }
        // A write and no PING: a server that is full, or a replica, answers that one as well.
        let key = self.shared.keys.probe();
        let mut probe = deadpool_redis::redis::cmd("SET");
        probe.arg(&key).arg(1).arg("PX").arg(1_000);
        self.shared.calls.make(Purpose::Read, Call::Command(&probe, Some(&key))).await?;
        Ok(())
    }
}
