//! What the instances of a relay share beside the log: limits, open streams, cursors, tickets, revocations.
//!
//! One port for each, since one caller needs one of them: [`Limiter`], [`Streams`], [`Cursors`], [`Tickets`] and
//! [`Revocations`]. A process alone keeps them in [`MemoryState`]; several share an adapter. On top stand what decides
//! with them: [`Limit`], which goes on counting by itself while nothing is shared, and [`OpenStreams`].
//!
//! A *subject* is a user within a tenant, as a text that names nobody else; it never appears in a log, and in an
//! adapter only as a keyed hash where names are seen.

#[cfg(feature = "testing")]
pub mod conformance;
mod cursors;
mod event_limits;
mod limit;
mod limiter;
mod memory;
mod open;
mod refused;
mod revocations;
mod revoked;
mod streams;
mod tickets;

use std::error::Error;

pub use cursors::{CURSOR_KEPT, Cursors, MOST_CLIENTS};
pub use event_limits::EventLimits;
pub use limit::{Limit, OverLimit};
pub use limiter::{Limiter, Quota, Verdict};
pub use memory::MemoryState;
pub use open::{Ended, Full, Holder, OpenStreams, Place, StreamsConfig};
pub use revocations::{Mark, Revocation, Revocations, Revoke};
pub use revoked::Revoked;
pub use streams::{InstanceId, Lease, Opened, Over, StreamId, Streams};
pub use tickets::Tickets;

/// A cause of any kind.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Nothing shared answered. Whether the call was carried out is not known.
#[derive(Debug, thiserror::Error)]
#[error("what the instances share does not answer")]
pub struct Unavailable(#[source] pub BoxError);
