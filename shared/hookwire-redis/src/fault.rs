use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};

/// Why a call had no result, and what that says about whether it was carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// The breaker is open: nothing was sent.
    #[error("not asked, since the last calls failed")]
    Open,
    /// All connections are in use: nothing was sent, and it says nothing about the server.
    #[error("all connections are in use")]
    Busy,
    /// No connection was to be had: nothing was sent.
    #[error("no connection: {0}")]
    NotSent(String),
    /// The call was sent and no answer came in time: carried out or not.
    #[error("no answer: {0}")]
    Unanswered(String),
    /// The connection was cut before the answer came: carried out or not.
    #[error("cut off: {0}")]
    Cut(String),
    /// The server cannot carry it out now, and said so: a replica, one that is loading, a slot on its way.
    #[error("not served: {0}")]
    NotServed(String),
    /// The server refused it, and may go on refusing it.
    #[error("refused: {0}")]
    Refused(String),
}

impl Fault {
    /// What an error on a connection means, after something was sent on it.
    pub(crate) fn of(error: &RedisError) -> Self {
        let text = error.to_string();
        match error.kind() {
            ErrorKind::Server(kind) => Self::of_server(kind, text),
            ErrorKind::Extension => Self::of_text(&text),
            _ if error.is_connection_dropped() => Self::Cut(text),
            _ => Self::Unanswered(text),
        }
    }

    /// What an error means whose code the client library does not know; a script's are among them.
    fn of_text(text: &str) -> Self {
        match text.split([' ', ':']).next() {
            Some(
                "READONLY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "MOVED"
                | "ASK",
            ) => Self::NotServed(text.to_owned()),
            _ => Self::Refused(text.to_owned()),
        }
    }

    fn of_server(kind: ServerErrorKind, text: String) -> Self {
        match kind {
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::TryAgain
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask => Self::NotServed(text),
            _ => Self::Refused(text),
        }
    }

    /// Whether the connection, or whoever is at its other end, is to blame, so that the same call may succeed at once on
    /// another one.
    pub(crate) fn is_of_server(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Unanswered(_) | Self::Cut(_) | Self::NotServed(_) => true,
            Self::Open | Self::Busy | Self::Refused(_) => false,
        }
    }

    /// Whether the other connections, which lead to the same server, are most likely no better than this one was.
    pub(crate) fn is_of_all_connections(&self) -> bool {
        matches!(self, Self::Cut(_) | Self::NotServed(_))
    }

    /// Whether the call may have been carried out all the same.
    #[must_use]
    pub fn leaves_open(&self) -> bool {
        matches!(self, Self::Unanswered(_) | Self::Cut(_))
    }

    /// The word for metrics and logs.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "breaker_open",
            Self::Busy => "busy",
            Self::NotSent(_) => "not_sent",
            Self::Unanswered(_) => "unanswered",
            Self::Cut(_) => "cut",
            Self::NotServed(_) => "not_served",
            Self::Refused(_) => "refused",
        }
    }
}
