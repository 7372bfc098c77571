mod cursors;
mod revocations;
mod streams;
mod tickets;

/// What a process keeps that shares nothing. Forgets at a restart, but for revocations if it has a file for them.
#[derive(Debug, Default)]
pub struct MemoryState {
    streams: streams::MemoryStreams,
    cursors: cursors::MemoryCursors,
    tickets: tickets::MemoryTickets,
    revocations: revocations::MemoryRevocations,
}

impl MemoryState {
    /// Keeps revocations in a file too, and begins with those that stand there.
    ///
    /// # Errors
    ///
    /// The system's: the file is there and cannot be read.
    pub fn with_revocations_in(path: &std::path::Path) -> std::io::Result<Self> {
        let revocations = revocations::MemoryRevocations::in_file(path)?;
        Ok(Self { revocations, ..Self::default() })
    }
}
