use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult, Timeouts};
use deadpool_redis::redis::{self, RedisError};
use deadpool_redis::{BuildError, Runtime};

use crate::RedisConfig;
use crate::connection::Connection;
use crate::fault::Fault;
use crate::server::Server;

/// Connections for commands, each lent to one call at a time.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    connections: managed::Pool<Manager>,
    name: &'static str,
}

/// A connection that is idle for longer is asked whether it is alive before it is lent.
const CHECK_AFTER: Duration = Duration::from_secs(30);
/// One that is idle for longer is not asked but made anew: what stands between may have forgotten it without a word, and
/// to wait for an answer that cannot come would use up the time that an append has.
const MAKE_ANEW_AFTER: Duration = Duration::from_secs(90);
/// A connection that is idle for longer is closed: after a burst the server gets its memory back.
const IDLE_AT_MOST: Duration = Duration::from_mins(5);

#[derive(Debug)]
struct Manager {
    server: Server,
    check_within: Duration,
    /// How often all connections were given up.
    epoch: AtomicU64,
}

/// A connection, the epoch that it was made in, and when it was lent last.
#[derive(Debug)]
struct Pooled {
    connection: Connection,
    epoch: u64,
    /// By the clock on the wall: in a function that was frozen the other one may have stood still.
    lent_at: SystemTime,
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = RedisError;

    async fn create(&self) -> Result<Pooled, RedisError> {
        metrics::counter!("hookwire_redis_connections_opened_total").increment(1);
        // Before it is made: one that is given up meanwhile may already lead to the wrong server.
        let epoch = self.epoch.load(Ordering::Acquire);
        let connection = self.server.connect(None).await?;
        Ok(Pooled { connection, epoch, lent_at: SystemTime::now() })
    }

    /// A check at every loan would double the time of a call; a connection that died meanwhile costs one retry.
    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<RedisError> {
        if pooled.epoch != self.epoch.load(Ordering::Acquire) {
            return Err(RecycleError::message("it was given up with the others"));
        }
        let now = SystemTime::now();
        let idle = now.duration_since(std::mem::replace(&mut pooled.lent_at, now));
        match idle {
            Ok(idle) if idle < CHECK_AFTER => return Ok(()),
            Ok(idle) if idle < MAKE_ANEW_AFTER => {}
            // Also when the clock was set back.
            _ => return Err(RecycleError::message("it was idle for too long")),
        }
        let ping = redis::cmd("PING");
        let ping = ping.query_async::<()>(&mut pooled.connection);
        match tokio::time::timeout(self.check_within, ping).await {
            Ok(answer) => answer.map_err(RecycleError::Backend),
            Err(_elapsed) => Err(RecycleError::message("it does not answer")),
        }
    }
}

impl Pool {
    pub(crate) fn new(
        name: &'static str,
        server: &Server,
        config: &RedisConfig,
        connections: usize,
        waits: Duration,
    ) -> Result<Self, BuildError> {
        let check_within = config.answer_within;
        let manager = Manager { server: server.clone(), check_within, epoch: AtomicU64::new(0) };
        // A cluster and Sentinels take some round trips until a connection stands.
        let making = config.connect_within * 2;
        let timeouts = Timeouts { wait: Some(waits), create: Some(making), recycle: None };
        let connections = managed::Pool::builder(manager)
            .max_size(connections)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { connections, name })
    }

    /// Lends a connection.
    pub(crate) async fn get(&self) -> Result<Lent, Fault> {
        let lent = self.connections.get().await;
        lent.map(Lent).map_err(|error| match error {
            PoolError::Timeout(managed::TimeoutType::Wait) => Fault::Busy,
            PoolError::Timeout(_) => Fault::NotSent("none could be made in time".into()),
            PoolError::Backend(error) => Fault::NotSent(error.to_string()),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Fault::NotSent("the pool is closed".into())
            }
        })
    }

    /// Gives up all connections, lent ones when they come back: whoever is at their other end is not the one to talk to
    /// any more.
    pub(crate) fn renew(&self) {
        self.connections.manager().epoch.fetch_add(1, Ordering::AcqRel);
        self.connections.retain(|_, _| false);
    }

    /// Closes connections that nobody needs, and tells how many there are.
    pub(crate) fn tidy(&self) {
        self.connections.retain(|_, metrics| metrics.last_used() < IDLE_AT_MOST);
        let status = self.connections.status();
        let busy = status.size.saturating_sub(status.available);
        for (state, count) in [("idle", status.available), ("busy", busy)] {
            let labels = [("pool", self.name), ("state", state)];
            metrics::gauge!("hookwire_redis_connections", &labels).set(count as f64);
        }
    }
}

/// A lent connection; it goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Lent(Object<Manager>);

impl Lent {
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.0.connection
    }

    /// Keeps the connection from being lent again: something may still arrive on it, or nothing ever will.
    pub(crate) fn discard(self) {
        drop(Object::take(self.0));
    }
}
