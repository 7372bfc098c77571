use hookwire_event::Position;

/// A cause from inside a backend.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The event is in the log, here.
    New(Position),
    /// The same id of the same source was there already, here.
    Duplicate(Position),
}

impl Appended {
    /// Where the event stands in its topic's log.
    #[must_use]
    pub fn position(self) -> Position {
        match self {
            Self::New(position) | Self::Duplicate(position) => position,
        }
    }
}

/// Why an append did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The log did not take it. Retry or spill.
    #[error("log unavailable")]
    Unavailable(#[source] BoxError),
    /// The log was asked and did not answer: the event may be in it or not. Retry or spill all the same, since an append
    /// is idempotent per event id, but do not say that it is not there.
    #[error("log did not answer")]
    Unknown(#[source] BoxError),
    /// This event can never be appended. Quarantine or refuse it.
    #[error("the event has {size_bytes} bytes, the limit is {limit_bytes}")]
    TooLarge {
        /// Size of the stored record.
        size_bytes: u64,
        /// What a topic may hold in all.
        limit_bytes: u64,
    },
}
