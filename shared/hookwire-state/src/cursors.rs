use std::time::Duration;

use async_trait::async_trait;

use crate::Unavailable;

/// Clients of one subject that may leave a cursor. There is no more of them than a person has devices, and whoever
/// makes names up must not fill what is shared.
pub const MOST_CLIENTS: usize = 100;

/// How long a cursor is kept.
pub const CURSOR_KEPT: Duration = Duration::from_hours(24);

/// Keeps cursors that clients leave with the relay, instead of keeping them themselves.
#[async_trait]
pub trait Cursors: std::fmt::Debug + Send + Sync + 'static {
    /// Leaves a cursor for `client` of `subject` for 24 hours, in place of the one before.
    ///
    /// Of a subject with more than [`MOST_CLIENTS`] the one is forgotten that was left longest ago.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: it may have been left or not.
    async fn put(&self, subject: &str, client: &str, cursor: &str) -> Result<(), Unavailable>;

    /// The cursor that was left last.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    async fn get(&self, subject: &str, client: &str) -> Result<Option<String>, Unavailable>;
}
