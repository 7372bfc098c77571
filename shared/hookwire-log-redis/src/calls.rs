use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use deadpool_redis::BuildError;
use deadpool_redis::redis::{self, Cmd, RedisError, Value};

use crate::RedisConfig;
use crate::fault::Fault;
use crate::masters::Masters;
use crate::pool::Pool;
use crate::script::Script;
use crate::server::{Connection, Server};

/// Makes calls: through the breaker, on a connection of the pool, in bounded time.
#[derive(Debug)]
pub(crate) struct Calls {
    /// Appends and reads have connections of their own, or a rush of one would starve the other.
    appends: Pool,
    reads: Pool,
    masters: Masters,
    trouble: Trouble,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Call<'a> {
    /// A script with its keys and arguments.
    Script(&'a Script, &'a [&'a str], &'a [&'a [u8]]),
    /// A command, and the key that it is about.
    Command(&'a Cmd, Option<&'a str>),
}

impl Call<'_> {
    fn key(&self) -> Option<&str> {
        match self {
            Self::Script(_, keys, _) => keys.first().copied(),
            Self::Command(_, key) => *key,
        }
    }

    async fn on(self, connection: &mut Connection) -> Result<Value, RedisError> {
        match self {
            Self::Script(script, keys, arguments) => script.run(connection, keys, arguments).await,
            Self::Command(command, _) => command.query_async(connection).await,
        }
    }
}

/// Who a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Append,
    Read,
}

impl Calls {
    pub(crate) fn new(server: &Server, config: &RedisConfig) -> Result<Self, BuildError> {
        Ok(Self {
            appends: Pool::new("appends", server, config)?,
            reads: Pool::new("reads", server, config)?,
            masters: Masters::new(config.open_for, server.is_cluster()),
            trouble: Trouble::default(),
        })
    }

    /// Somebody has seen the servers answer.
    pub(crate) fn answer(&self) {
        self.masters.answer();
    }

    /// Makes a call, and makes it once more on another connection if the first try says nothing about the second.
    ///
    /// Every call may be made twice: appends are deduplicated, and nothing else changes what counts.
    pub(crate) async fn make(&self, purpose: Purpose, call: Call<'_>) -> Result<Value, Fault> {
        if self.masters.is_unknown() {
            self.ask_for_masters().await;
        }
        let answer = self.try_twice(purpose, call).await;
        if answer.as_ref().is_err_and(Fault::is_of_server) {
            self.ask_for_masters().await;
        }
        self.trouble.note(answer.as_ref().err());
        answer
    }

    async fn try_twice(&self, purpose: Purpose, call: Call<'_>) -> Result<Value, Fault> {
        let first = match self.try_once(purpose, call, true).await {
            Err(fault) if fault.is_of_server() => fault,
            answer => return answer,
        };
        match self.try_once(purpose, call, false).await {
            // What became of the first try is still not known.
            Err(_) if first.leaves_open() => Err(first),
            answer => answer,
        }
    }

    async fn try_once(
        &self,
        purpose: Purpose,
        call: Call<'_>,
        is_first: bool,
    ) -> Result<Value, Fault> {
        let breaker = self.masters.breaker(call.key());
        let permit = breaker.permit().ok_or(Fault::Open)?;
        let answer = self.on_connection(purpose, call).await;
        match &answer {
            // Connections that all were cut at once fail at once, and say nothing about the server behind them.
            Err(fault) if is_first && fault.is_of_all_connections() => drop(permit),
            Err(fault) if fault.is_of_server() => permit.failed(),
            _ => permit.answered(),
        }
        answer
    }

    async fn on_connection(&self, purpose: Purpose, call: Call<'_>) -> Result<Value, Fault> {
        let pool = match purpose {
            Purpose::Append => &self.appends,
            Purpose::Read => &self.reads,
        };
        let mut lent = pool.get().await?;
        // The connection bounds the time of an answer.
        let answer = call.on(lent.connection()).await;
        answer.map_err(|error| {
            let fault = Fault::of(&error);
            if fault.is_of_server() {
                lent.discard();
            }
            if fault.is_of_all_connections() {
                self.renew();
            }
            fault
        })
    }

    /// Asks a cluster which master has which slots, unless somebody just did.
    pub(crate) async fn ask_for_masters(&self) {
        if self.masters.is_to_be_asked() {
            let mut slots = redis::cmd("CLUSTER");
            slots.arg("SLOTS");
            if let Ok(answer) = self.on_connection(Purpose::Read, Call::Command(&slots, None)).await
            {
                self.masters.learn(&answer);
            }
        }
    }

    /// Has the next calls make new connections.
    pub(crate) fn renew(&self) {
        self.appends.renew();
        self.reads.renew();
    }

    pub(crate) fn tidy(&self) {
        self.appends.tidy();
        self.reads.tidy();
    }
}

/// Tells of a stretch of failures when it begins and when it ends, and of no single one: a thousand identical lines
/// would hide the first.
#[derive(Debug, Default)]
struct Trouble(Mutex<Stretch>);

#[derive(Debug, Default)]
struct Stretch {
    began: Option<Instant>,
    failures: u64,
    told_at: Option<Instant>,
    told_times: u32,
}

impl Trouble {
    /// Pause between two lines, doubled by each: also between two stretches, since a server that fails every other call is
    /// in trouble throughout.
    const TOLD_EVERY: Duration = Duration::from_secs(10);

    fn note(&self, fault: Option<&Fault>) {
        if let Some(fault) = fault {
            let labels = [("fault", fault.as_str())];
            metrics::counter!("hookwire_redis_faults_total", &labels).increment(1);
        }
        let mut stretch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match fault {
            Some(fault) => stretch.failed(fault),
            None if stretch.failures > 0 => stretch.ended(),
            None => {}
        }
    }
}

impl Stretch {
    fn failed(&mut self, fault: &Fault) {
        let now = Instant::now();
        self.began.get_or_insert(now);
        self.failures += 1;
        let pause = Trouble::TOLD_EVERY * (1 << self.told_times.min(8));
        if self.told_at.is_none_or(|told| now - told > pause) {
            self.told_at = Some(now);
            self.told_times += 1;
            tracing::warn!(error = %fault, fault = fault.as_str(), failures = self.failures, "a call to Redis failed");
        }
    }

    fn ended(&mut self) {
        // Told only if the beginning was, and counted from there.
        let Some(began) = self.began else { return };
        let lasted = began.elapsed();
        if lasted > Duration::from_secs(1) {
            let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(failures = self.failures, duration_ms, "calls to Redis succeed again");
        }
        *self = Self { told_at: self.told_at, ..Self::default() };
    }
}
