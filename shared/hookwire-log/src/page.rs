use std::sync::Arc;

use hookwire_event::{Event, Position};

use crate::{Accepted, BoxError};

/// One event at its place in the log.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// The place before it: in the same generation, or where the log stood when this generation began.
    pub previous: Position,
    /// What was appended.
    pub event: Arc<Event>,
    /// When its append was asked for; only of what was just published, and not of what is read later.
    pub accepted: Option<Accepted>,
}

/// A stretch of a log, perhaps after a gap.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// What lies between the position asked for and the first entry; told to the reader before it.
    pub gap: Option<Gap>,
    /// Oldest first, without holes.
    pub entries: Vec<Entry>,
}

/// A stretch that was asked for and is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Why it is not there.
    pub reason: GapReason,
    /// How many events are missing, when the positions tell.
    pub missed: Option<u64>,
    /// Whether events are missing for sure, or only may be.
    pub certain: bool,
    /// The position after which the log goes on.
    pub resumed_at: Position,
}

impl Gap {
    /// The gap of a position that says nothing here: what was missed cannot be told.
    #[must_use]
    pub fn reset(resumed_at: Position) -> Self {
        Self { reason: GapReason::Reset, missed: None, certain: false, resumed_at }
    }
}

/// Why a stretch of a log is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapReason {
    /// Older than the retention keeps.
    Trimmed,
    /// The position belongs to no log known here.
    Reset,
    /// The log does not reach as far as the position, or has lost an entry.
    Rollback,
    /// Another server keeps the log now; its tail may be lost.
    ServerChanged,
}

impl GapReason {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Reset => "reset",
            Self::Rollback => "rollback",
            Self::ServerChanged => "server_changed",
        }
    }
}

/// How much one page may hold. The first entry always fits.
#[derive(Debug, Clone, Copy)]
pub struct PageLimit {
    /// Most entries.
    pub events: usize,
    /// Most bytes of stored records.
    pub bytes: usize,
}

impl PageLimit {
    /// A page that a reader on its way to the tail takes: large enough that its reading costs little per event,
    /// small enough that a hundred readers at once do not matter.
    pub const BACKFILL: Self = Self { events: 512, bytes: 256 * 1024 };
}

/// Where a reader without a position begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// After the newest entry.
    Tail,
    /// Before the oldest entry kept.
    Earliest,
    /// Before the last so many entries.
    Last(u64),
    /// Before the first entry that was appended at or after this time, in milliseconds since the Unix epoch.
    Since(u64),
}

/// The log did not answer. Safe to retry.
#[derive(Debug, thiserror::Error)]
#[error("log unavailable")]
pub struct ReadError(#[source] pub BoxError);
