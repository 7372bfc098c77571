use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::Unavailable;

/// Remembers which one-time tickets were used.
#[async_trait]
pub trait Tickets: std::fmt::Debug + Send + Sync + 'static {
    /// Spends the ticket with this id, of any number of concurrent calls on any number of instances in exactly one:
    /// `true` in that one. Remembered for `valid_for`, the time that the ticket has left.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: it may be spent now, and counts as such.
    async fn spend(&self, ticket: &str, valid_for: Duration) -> Result<bool, Unavailable>;

    /// Since when all is remembered that was spent: a ticket that was made before may have been spent before. Nothing when
    /// that does not end with the process.
    fn since(&self) -> Option<SystemTime> {
        None
    }
}
