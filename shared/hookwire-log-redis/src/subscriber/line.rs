use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use hookwire_event::Position;
use hookwire_redis::redis::{self, PushInfo, RedisError, Value};
use hookwire_redis::{Connection, Redis};
use tokio::sync::mpsc;

/// The connection that subscribes, and what is pushed on it.
pub(super) struct Line {
    pub(super) wire: Wire,
    pub(super) pushes: mpsc::UnboundedReceiver<PushInfo>,
}

/// The connection; a clone asks on the same one.
#[derive(Clone)]
pub(super) struct Wire(Connection);

/// Channels or keys in one command; a longer one would hold up everything else on the server.
const AT_ONCE: usize = 500;
/// How long it may take until a line stands.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Commands on their way at once in a cluster, where each topic is asked for by itself.
const CONCURRENT: usize = 64;

impl Line {
    pub(super) async fn connect(redis: Arc<Redis>) -> Result<Self, RedisError> {
        let (sender, pushes) = mpsc::unbounded_channel();
        // Sentinels and the nodes of a cluster are asked one after another, each with a time-out of its own.
        let connection = tokio::time::timeout(CONNECT_WITHIN, redis.subscribe_with(sender)).await;
        let connection =
            connection.unwrap_or_else(|_elapsed| Err(super::task::cut("no connection in time")))?;
        Ok(Self { wire: Wire(connection), pushes })
    }
}

impl Wire {
    /// Subscribes to channels and tells which now are; in a cluster those of a node that is away are not.
    pub(super) async fn subscribe(
        self,
        channels: Vec<String>,
    ) -> Result<HashSet<String>, RedisError> {
        let mut subscribed = HashSet::new();
        match &self.0 {
            Connection::One(connection) => {
                for some in channels.chunks(AT_ONCE) {
                    connection.clone().subscribe(some).await?;
                    subscribed.extend(some.iter().cloned());
                }
            }
            Connection::Cluster(connection) => {
                let one = |channel: String| {
                    let mut connection = connection.clone();
                    async move { connection.ssubscribe(&channel).await.ok().map(|()| channel) }
                };
                let each = channels.into_iter().map(one);
                let each: Vec<_> = stream::iter(each).buffer_unordered(CONCURRENT).collect().await;
                subscribed.extend(each.into_iter().flatten());
            }
        }
        Ok(subscribed)
    }

    pub(super) async fn unsubscribe(mut self, channels: Vec<String>) -> Result<(), RedisError> {
        for some in channels.chunks(AT_ONCE) {
            match &mut self.0 {
                Connection::One(connection) => connection.unsubscribe(some).await?,
                Connection::Cluster(connection) => {
                    for channel in some {
                        // A node that is away has forgotten the subscription anyway.
                        drop(connection.sunsubscribe(channel).await);
                    }
                }
            }
        }
        Ok(())
    }

    /// The tail that each state tells: `None` if it could not be asked, `Some(None)` if there is no state.
    pub(super) async fn tails(
        self,
        states: Vec<String>,
    ) -> Result<Vec<Option<Option<Position>>>, RedisError> {
        match &self.0 {
            Connection::One(connection) => {
                let mut tails = Vec::with_capacity(states.len());
                for some in states.chunks(AT_ONCE) {
                    let mget = redis::cmd("MGET").arg(some).to_owned();
                    let values: Vec<Value> = mget.query_async(&mut connection.clone()).await?;
                    tails.extend(values.iter().map(|value| Some(tail(value))));
                }
                Ok(tails)
            }
            Connection::Cluster(connection) => {
                let one = |state: String| {
                    let mut connection = connection.clone();
                    async move {
                        let mut get = redis::cmd("GET");
                        get.arg(state).query_async::<Value>(&mut connection).await.ok()
                    }
                };
                let values = stream::iter(states.into_iter().map(one));
                let values: Vec<_> = values.buffered(CONCURRENT).collect().await;
                Ok(values.iter().map(|value| value.as_ref().map(tail)).collect())
            }
        }
    }

    /// Asks whether the other end is alive. A cluster has many ends, and whether those that matter are alive is seen by
    /// asking for tails.
    pub(super) async fn ping(mut self) -> Result<(), RedisError> {
        match &mut self.0 {
            Connection::One(connection) => redis::cmd("PING").query_async(connection).await,
            Connection::Cluster(_) => Ok(()),
        }
    }

    /// Makes sure that the other end is no replica: one that was cut off from its master would be silent for ever.
    pub(super) async fn expect_master(mut self) -> Result<(), RedisError> {
        let Connection::One(connection) = &mut self.0 else { return Ok(()) };
        let role: Result<Vec<Value>, RedisError> = redis::cmd("ROLE").query_async(connection).await;
        match role {
            Ok(role) if matches!(role.first(), Some(Value::BulkString(role)) if role == b"slave") => {
                Err(super::task::cut("the server is a replica"))
            }
            // A service that hides its servers does not tell their roles either.
            Err(error) if !matches!(error.kind(), redis::ErrorKind::Server(_)) => Err(error),
            _ => Ok(()),
        }
    }
}

/// Reads the tail out of a topic's state, whose first words are its generation and number.
fn tail(state: &Value) -> Option<Position> {
    let Value::BulkString(text) = state else { return None };
    let mut words = std::str::from_utf8(text).ok()?.split(' ').map(str::parse);
    match (words.next(), words.next()) {
        (Some(Ok(generation)), Some(Ok(k))) => Some(Position::new(generation, k)),
        _ => None,
    }
}
