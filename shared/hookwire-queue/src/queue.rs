use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use hookwire_log::BoxError;

/// Keeps messages until they are deleted.
#[async_trait]
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    /// Takes a message durably; nobody receives it before `delay` is over.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, the message may or may not be in the queue.
    async fn send(&self, body: String, delay: Duration) -> Result<(), SendError>;

    /// Receives some messages, or none after `wait`. Nobody else receives them before their visibility time-out is over.
    ///
    /// # Errors
    ///
    /// The backend's cause: no answer; safe to retry.
    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, BoxError>;

    /// Deletes messages that were received.
    ///
    /// # Errors
    ///
    /// The backend's cause: some of them will be received again.
    async fn delete(&self, messages: &[Message]) -> Result<(), BoxError>;

    /// Gives messages back: each is received again after its delay.
    ///
    /// # Errors
    ///
    /// The backend's cause: some of them are received again when their visibility time-out is over.
    async fn postpone(&self, messages: &[(Message, Duration)]) -> Result<(), BoxError>;

    /// Moves a message to where those are kept that a human must look at, with the reason.
    ///
    /// # Errors
    ///
    /// The backend's cause: the message is received again.
    async fn bury(&self, message: &Message, reason: &str) -> Result<(), BoxError>;

    /// How many messages there are, about.
    ///
    /// # Errors
    ///
    /// The backend's cause.
    async fn depth(&self) -> Result<Depth, BoxError>;
}

/// A message as it was received.
#[derive(Clone)]
pub struct Message {
    /// What was sent.
    pub body: String,
    /// Stands for this one receipt of it.
    pub receipt: String,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was sent, in milliseconds since the Unix epoch.
    pub sent_at_ms: u64,
    /// Why it was buried, if it was.
    pub reason: Option<String>,
}

impl fmt::Debug for Message {
    /// Shows no content, which may hold addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("receives", &self.receives).finish_non_exhaustive()
    }
}

/// How many messages a queue holds; the backend may count late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Can be received now.
    pub waiting: u64,
    /// Received and not yet deleted or given back.
    pub in_flight: u64,
    /// Cannot be received yet.
    pub delayed: u64,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The queue did not take it, or did not answer: it may be there. Retry, and keep the event elsewhere until then.
    #[error("queue unavailable")]
    Unavailable(#[source] BoxError),
    /// The queue was asked and does not take this message, also not later.
    #[error("the queue refuses the message")]
    Refused(#[source] BoxError),
    /// No queue of this kind takes so large a message.
    #[error("the message has {size_bytes} bytes, the queue takes {limit_bytes}")]
    TooLarge {
        /// Size of the body.
        size_bytes: usize,
        /// The largest that is taken.
        limit_bytes: usize,
    },
}

impl SendError {
    /// The word for traces.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Refused(_) => "refused",
            Self::TooLarge { .. } => "too_large",
        }
    }
}
