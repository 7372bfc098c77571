use deadpool_redis::redis::{PushInfo, RedisResult, Value};
use tokio::sync::mpsc;

use crate::calls::Calls;
use crate::server::Server;
use crate::{Call, Connection, Fault, Keys, Purpose, RedisConfig};

/// One Redis, standalone, behind Sentinel, or a cluster, for all adapters of a process.
#[derive(Debug)]
pub struct Redis {
    server: Server,
    calls: Calls,
    keys: Keys,
}

/// The configuration cannot be used, whatever Redis says.
#[derive(Debug, thiserror::Error)]
#[error("the connection to Redis cannot be set up")]
pub struct SetUpError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Redis {
    /// Sets everything up. Nothing is connected before it is needed, so Redis may be away.
    ///
    /// # Errors
    ///
    /// [`SetUpError`]: the certificates cannot be read.
    pub fn new(config: &RedisConfig) -> Result<Self, SetUpError> {
        let server = Server::new(config).map_err(|error| SetUpError(error.into()))?;
        let calls = Calls::new(&server, config).map_err(|error| SetUpError(error.into()))?;
        let keys = Keys::new(&config.namespace, &config.hash_secret.0);
        Ok(Self { server, calls, keys })
    }

    /// Makes a call, and makes it again on another connection if the first try says nothing about the next: what it does
    /// must be harmless when it is done several times.
    ///
    /// # Errors
    ///
    /// [`Fault`]: no answer within a few times `answer_within`, and the time that its purpose waits for a connection.
    pub async fn call(&self, purpose: Purpose, call: Call<'_>) -> Result<Value, Fault> {
        self.calls.make(purpose, call).await
    }

    /// Makes a connection for a subscription: everything that is published goes to `pushes`, and so does word of the
    /// connection's end.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub async fn subscribe_with(
        &self,
        pushes: mpsc::UnboundedSender<PushInfo>,
    ) -> RedisResult<Connection> {
        self.server.connect(Some(pushes)).await
    }

    /// The names of what is kept there.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether a channel belongs to a slot, like a key, and a script's keys must share one.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.server.is_cluster()
    }

    /// Somebody has seen the servers answer: those that are left alone may be tried.
    pub fn answers(&self) {
        self.calls.answer();
    }

    /// Whether calls to the server, or to one of a cluster, are not made, since the last ones failed.
    #[must_use]
    pub fn is_left_alone(&self) -> bool {
        self.calls.is_left_alone()
    }

    /// Asks a cluster which master has which slots, unless somebody just did.
    pub async fn ask_for_masters(&self) {
        self.calls.ask_for_masters().await;
    }

    /// Has the next calls make new connections.
    pub fn renew(&self) {
        self.calls.renew();
    }

    /// Closes connections that nobody needs, and tells how many there are.
    pub fn tidy(&self) {
        self.calls.tidy();
    }
}
