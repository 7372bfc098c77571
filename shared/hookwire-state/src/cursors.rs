use async_trait::async_trait;

use crate::Unavailable;

/// Keeps cursors that clients leave with the relay, instead of keeping them themselves.
#[async_trait]
pub trait Cursors: std::fmt::Debug + Send + Sync + 'static {
    /// Leaves a cursor for `client` of `subject` for 24 hours, in place of the one before.
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
