use std::time::{Duration, SystemTime};

use deadpool_redis::BuildError;
use deadpool_redis::redis::{self, Cmd, RedisError, Value};

use crate::RedisConfig;
use crate::connection::Connection;
use crate::fault::Fault;
use crate::masters::Masters;
use crate::pool::Pool;
use crate::script::Script;
use crate::server::Server;
use crate::trouble::Trouble;

/// Makes calls: through the breaker, on a connection of the pool, in bounded time.
#[derive(Debug)]
pub(crate) struct Calls {
    /// Each purpose has connections of its own, or a rush of one would starve the others.
    appends: Pool,
    reads: Pool,
    state: Pool,
    masters: Masters,
    trouble: Trouble,
}

/// How long a call waits for a connection. An append is to be answered; a reader is patient, and when all come back at
/// once each waits for those before it.
const APPEND_WAITS: Duration = Duration::from_secs(1);
const READ_WAITS: Duration = Duration::from_secs(10);
/// Whoever asks for what the instances share decides alone when there is no answer, and a request waits for it meanwhile.
const STATE_WAITS: Duration = Duration::from_millis(500);

/// How often a call is tried: a connection that replaces one that was cut may be cut as well.
const TRIES: u32 = 3;

/// One call.
#[derive(Debug, Clone, Copy)]
pub enum Call<'a> {
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

/// A call is not made any more after so long by the clock on the wall. Nobody waits so long; but a process that is frozen in
/// the midst of one goes on with it when it is thawed, perhaps when the log no longer knows the id of the event that
/// somebody else has appended meanwhile.
const TOO_LATE: Duration = Duration::from_secs(30);

/// Who a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody who writes and is to be answered soon.
    Append,
    /// A reader, who is patient.
    Read,
    /// Somebody who wants what instances share beside the log, and can do without it.
    State,
}

impl Purpose {
    /// Calls that may take as long as a call can, one after another: three would take more time than a caller has.
    fn slow_tries(self) -> u32 {
        match self {
            Self::Append | Self::Read => 2,
            Self::State => 1,
        }
    }
}

impl Calls {
    pub(crate) fn new(server: &Server, config: &RedisConfig) -> Result<Self, BuildError> {
        let pool = |name, part: usize, waits| {
            let connections = (config.connections / part).max(1);
            Pool::new(name, server, config, connections, waits)
        };
        Ok(Self {
            appends: pool("appends", 2, APPEND_WAITS)?,
            reads: pool("reads", 2, READ_WAITS)?,
            state: pool("state", 4, STATE_WAITS)?,
            masters: Masters::new(config.open_for, server.is_cluster()),
            trouble: Trouble::default(),
        })
    }

    /// Somebody has seen the servers answer.
    pub(crate) fn answer(&self) {
        self.masters.answer();
    }

    pub(crate) fn is_left_alone(&self) -> bool {
        self.masters.is_any_open()
    }

    /// Makes a call, and makes it again on another connection if the first try says nothing about the next.
    ///
    /// Every call may be made several times: whoever makes it sees to that.
    pub(crate) async fn make(&self, purpose: Purpose, call: Call<'_>) -> Result<Value, Fault> {
        if self.masters.is_unknown() {
            self.ask_for_masters().await;
        }
        let answer = self.try_again(purpose, call, SystemTime::now()).await;
        if answer.as_ref().is_err_and(Fault::is_of_server) {
            self.ask_for_masters().await;
        }
        self.trouble.note(answer.as_ref().err());
        answer
    }

    async fn try_again(
        &self,
        purpose: Purpose,
        call: Call<'_>,
        began: SystemTime,
    ) -> Result<Value, Fault> {
        let (mut tries_left, mut slow_tries_left) = (TRIES, purpose.slow_tries());
        let mut earlier: Option<Fault> = None;
        loop {
            tries_left -= 1;
            let fault = match self.try_once(purpose, call, began, tries_left > 0).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if !fault.is_of_all_connections() {
                slow_tries_left -= 1;
            }
            let goes_on = tries_left > 0 && slow_tries_left > 0 && fault.is_of_server();
            // What became of an earlier try is still not known.
            let told = earlier.filter(Fault::leaves_open).unwrap_or(fault);
            if !goes_on {
                return Err(told);
            }
            earlier = Some(told);
        }
    }

    async fn try_once(
        &self,
        purpose: Purpose,
        call: Call<'_>,
        began: SystemTime,
        is_tried_again: bool,
    ) -> Result<Value, Fault> {
        let breaker = self.masters.breaker(call.key());
        let permit = breaker.permit().ok_or(Fault::Open)?;
        let answer = self.on_connection(purpose, call, began).await;
        match &answer {
            // Connections that all were cut at once fail at once, and say nothing about the server behind them.
            Err(fault) if is_tried_again && fault.is_of_all_connections() => drop(permit),
            Err(Fault::Busy) => drop(permit),
            Err(fault) if fault.is_of_server() => permit.failed(),
            _ => permit.answered(),
        }
        answer
    }

    async fn on_connection(
        &self,
        purpose: Purpose,
        call: Call<'_>,
        began: SystemTime,
    ) -> Result<Value, Fault> {
        let pool = match purpose {
            Purpose::Append => &self.appends,
            Purpose::Read => &self.reads,
            Purpose::State => &self.state,
        };
        let mut lent = pool.get().await?;
        if began.elapsed().is_ok_and(|ago| ago > TOO_LATE) {
            return Err(Fault::NotSent("whoever made the call is long gone".to_owned()));
        }
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
            if let Ok(answer) = self
                .on_connection(Purpose::Read, Call::Command(&slots, None), SystemTime::now())
                .await
            {
                self.masters.learn(&answer);
            }
        }
    }

    /// Has the next calls make new connections.
    pub(crate) fn renew(&self) {
        self.pools().into_iter().for_each(Pool::renew);
    }

    pub(crate) fn tidy(&self) {
        self.pools().into_iter().for_each(Pool::tidy);
    }

    fn pools(&self) -> [&Pool; 3] {
        [&self.appends, &self.reads, &self.state]
    }
}
