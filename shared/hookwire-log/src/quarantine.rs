use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::BoxError;

/// A verified notification that can never become an event, kept for a human with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its number in the quarantine.
    pub id: u64,
    /// Name of the source it came to.
    pub source: String,
    /// What is wrong with it; holds nothing of its content.
    pub reason: String,
    /// When it came, in milliseconds since the Unix epoch.
    pub received_at_ms: u64,
    /// The headers that a retry needs; never the token.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Bytes,
}

/// Keeps what can never be appended, bounded, oldest out first.
#[async_trait]
pub trait Quarantine: fmt::Debug + Send + Sync + 'static {
    /// Stores a notification durably under a new number, which replaces `notification.id`.
    ///
    /// # Errors
    ///
    /// The backend's cause: nothing was stored, so the notification must not be acknowledged.
    async fn put(&self, notification: Quarantined) -> Result<u64, BoxError>;

    /// Lists the newest `limit` notifications, newest first.
    ///
    /// # Errors
    ///
    /// The backend's cause.
    async fn list(&self, limit: usize) -> Result<Vec<Quarantined>, BoxError>;

    /// Finds one.
    ///
    /// # Errors
    ///
    /// The backend's cause.
    async fn get(&self, id: u64) -> Result<Option<Quarantined>, BoxError>;

    /// Removes one; removing what is not there is no error.
    ///
    /// # Errors
    ///
    /// The backend's cause.
    async fn remove(&self, id: u64) -> Result<(), BoxError>;
}
