//! The log port: what the relay needs of whoever keeps its events, and what is true for every backend.
//!
//! - An append is one atomic step: deduplicate, store, publish. It is answered only when the event is durable, as
//!   far as the backend promises to be.
//! - Positions count without holes inside a generation, so a reader sees by the next entry alone whether it missed
//!   something. What is missing is told as a [`Gap`], never passed over.
//! - A publish is a hint and may be lost; the log is the truth. Watch before you read: an event appended in between
//!   is then seen twice, and the second copy is dropped by its position. In the other order it would be lost.

mod accepted;
mod append;
mod clock;
#[cfg(feature = "testing")]
pub mod conformance;
mod extent;
mod lateness;
mod memory;
mod not_ready;
mod page;
mod quarantine;
mod retention;
mod watch;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};

pub use accepted::Accepted;
pub use append::{AppendError, Appended, BoxError};
pub use clock::Clock;
pub use extent::{Extent, Resolved};
pub use lateness::Lateness;
pub use memory::MemoryLog;
pub use not_ready::NotReady;
pub use page::{Entry, Gap, GapReason, Page, PageLimit, ReadError, Start};
pub use quarantine::{Quarantine, Quarantined};
pub use retention::Retention;
pub use watch::{Listener, Watch, Watchers};

/// Keeps the events of every topic, in order, for as long as the retention says.
#[async_trait]
pub trait Log: fmt::Debug + Send + Sync + 'static {
    /// Appends the event to its topic, unless the same id of the same source is there already, and publishes it.
    ///
    /// Answers when the event is durable. Idempotent within the window of deduplication, so a call whose answer was
    /// lost is repeated safely.
    ///
    /// # Errors
    ///
    /// See [`AppendError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, the event may or may not be appended.
    async fn append(&self, event: Event) -> Result<Appended, AppendError>;

    /// Reads events that follow `after` in `topic`, oldest first.
    ///
    /// `after` is exclusive. Any position may be asked for: one that the log cannot continue from gives a page that
    /// begins with a [`Gap`]. A page without gap and entries means that `after` is the tail.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: no answer; safe to retry.
    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError>;

    /// Finds the position after which a reader that starts at `start` reads on.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: no answer; safe to retry.
    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError>;

    /// Tells `listener` of every append to `topic` from now on, until the returned watch is dropped.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: the watch could not be set up; safe to retry.
    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError>;

    /// Whether an append would be taken now.
    ///
    /// # Errors
    ///
    /// [`NotReady`] says why not.
    async fn ready(&self) -> Result<(), NotReady>;
}
