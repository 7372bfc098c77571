use crate::BoxError;

/// Why a log would take no append now.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Whoever keeps it does not answer.
    #[error("log unreachable")]
    Unreachable(#[source] BoxError),
    /// Whoever keeps it did not answer and is left alone for a while.
    #[error("log left alone")]
    LeftAlone(#[source] BoxError),
    /// Whoever keeps it answers and takes nothing: a replica, one that is full, or one that we have no right to write to.
    #[error("log takes nothing")]
    Refused(#[source] BoxError),
    /// Only a restart can mend it.
    #[error("log broken")]
    Broken(#[source] BoxError),
}
