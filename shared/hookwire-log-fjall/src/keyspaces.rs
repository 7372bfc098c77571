use std::path::Path;
use std::sync::Arc;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, config::FilterPolicy};
use hookwire_event::{EventId, SourceUri};

use crate::reclaim::{ExpiredMarks, Reclaim, TrimmedEntries};

/// The tables of the folder.
///
/// | Keyspace | Key | Value |
/// |---|---|---|
/// | `entries` | topic number, k | bytes of the topic before it, time of the append in ms, record |
/// | `seen` | topic number, source, 0, event id | k, time of the append in ms |
/// | `topics` | topic name | [`crate::catalog::TopicState`] |
/// | `quarantine` | number | notification |
/// | `meta` | `generation` | when the log was made, in ms |
///
/// Numbers are 8 bytes, big-endian, so that their order is that of the keys.
#[derive(Clone)]
pub(crate) struct Keyspaces {
    pub(crate) db: Database,
    pub(crate) entries: Keyspace,
    pub(crate) seen: Keyspace,
    pub(crate) topics: Keyspace,
    pub(crate) quarantine: Keyspace,
    pub(crate) meta: Keyspace,
}

impl Keyspaces {
    /// Journal that may have to be read at a start. The smallest that fjall allows; it bounds the start's time.
    const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
    /// Appends that are kept in memory before they become a table.
    const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;
    /// Blocks of tables kept in memory.
    const CACHE_BYTES: u64 = 32 * 1024 * 1024;

    pub(crate) fn open(path: &Path, reclaim: &Arc<Reclaim>) -> fjall::Result<Self> {
        let (trimmed, expired) = (TrimmedEntries::new(reclaim), ExpiredMarks::new(reclaim));
        let db = Database::builder(path)
            .max_journaling_size(Self::JOURNAL_BYTES)
            .cache_size(Self::CACHE_BYTES)
            .worker_threads(2)
            .with_compaction_filter_factories(Arc::new(move |keyspace| match keyspace {
                "entries" => Some(Arc::new(trimmed.clone())),
                "seen" => Some(Arc::new(expired.clone())),
                _ => None,
            }))
            .open()?;
        let small = || KeyspaceCreateOptions::default().max_memtable_size(Self::MEMTABLE_BYTES / 4);
        let entries = || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(Self::MEMTABLE_BYTES)
                // Entries are read by number inside a range that is known to exist.
                .filter_policy(FilterPolicy::disabled())
        };
        Ok(Self {
            entries: db.keyspace("entries", entries)?,
            seen: db.keyspace("seen", small)?,
            topics: db.keyspace("topics", small)?,
            quarantine: db.keyspace("quarantine", small)?,
            meta: db.keyspace("meta", small)?,
            db,
        })
    }

    pub(crate) fn sync(&self) -> fjall::Result<()> {
        self.db.persist(PersistMode::SyncData)
    }

    pub(crate) fn disk_bytes(&self) -> fjall::Result<u64> {
        self.db.disk_space()
    }
}

impl std::fmt::Debug for Keyspaces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyspaces")
    }
}

pub(crate) fn entry_key(topic: u64, k: u64) -> [u8; 16] {
    let mut key = [0; 16];
    let (left, right) = key.split_at_mut(8);
    left.copy_from_slice(&topic.to_be_bytes());
    right.copy_from_slice(&k.to_be_bytes());
    key
}

pub(crate) fn mark_key(topic: u64, source: &SourceUri, id: &EventId) -> Vec<u8> {
    // Neither text can hold a NUL, so no two pairs give one key.
    [&topic.to_be_bytes()[..], source.as_str().as_bytes(), b"\0", id.as_str().as_bytes()].concat()
}

/// Reads the big-endian number that starts at `index * 8`.
pub(crate) fn number(bytes: &[u8], index: usize) -> Option<u64> {
    let eight = bytes.get(index * 8..index * 8 + 8)?;
    Some(u64::from_be_bytes(eight.try_into().ok()?))
}

/// Writes numbers big-endian, one after the other.
pub(crate) fn numbers(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}
