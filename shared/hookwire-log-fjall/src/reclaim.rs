use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use fjall::compaction::filter::{
    CompactionFilter, CompactionFilterResult, Context, Factory, ItemAccessor, Verdict,
};

use crate::keyspaces::{Keyspaces, number};

/// What of the folder is dead, and how much: compactions leave it out.
///
/// Trimming only moves a topic's first number; writing a deletion for every entry would double the writes and free
/// the disk late.
#[derive(Debug, Default)]
pub(crate) struct Reclaim {
    firsts: RwLock<HashMap<u64, u64>>,
    oldest_mark_ms: AtomicU64,
    dead_bytes: AtomicU64,
    running: AtomicBool,
}

impl Reclaim {
    /// Entries of `topic` before `first` are dead: that the topic begins there must be durable already, or a crash
    /// would leave a topic whose first entries are gone.
    pub(crate) fn trimmed(&self, topic: u64, first: u64, dead_bytes: u64) {
        self.firsts.write().unwrap_or_else(PoisonError::into_inner).insert(topic, first);
        self.dead_bytes.fetch_add(dead_bytes, Ordering::Relaxed);
    }

    /// Marks set before this time are dead.
    pub(crate) fn expired(&self, oldest_mark_ms: u64) {
        self.oldest_mark_ms.store(oldest_mark_ms, Ordering::Relaxed);
    }

    /// Frees the disk in a thread of its own, when that is worth its reading and writing.
    pub(crate) fn run_if_worth(self: &Arc<Self>, keyspaces: &Keyspaces, live: u64, least: u64) {
        let dead = self.dead_bytes.load(Ordering::Relaxed);
        if dead < least.max(live / 2) || self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        let (reclaim, keyspaces) = (Arc::clone(self), keyspaces.clone());
        let thread = std::thread::Builder::new().name("hookwire-reclaim".into());
        let spawned = thread.spawn(move || {
            match compact(&keyspaces) {
                Ok(()) => {
                    reclaim.dead_bytes.fetch_sub(dead, Ordering::Relaxed);
                    tracing::debug!(dead_bytes = dead, "freed trimmed entries");
                }
                Err(error) => tracing::warn!(%error, "could not free trimmed entries"),
            }
            reclaim.running.store(false, Ordering::Release);
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "could not start a thread to free trimmed entries");
            self.running.store(false, Ordering::Release);
        }
    }
}

fn compact(keyspaces: &Keyspaces) -> fjall::Result<()> {
    for keyspace in [&keyspaces.entries, &keyspaces.seen, &keyspaces.topics] {
        // A journal is deleted only when every table that it feeds is written.
        keyspace.rotate_memtable_and_wait()?;
        keyspace.major_compact()?;
    }
    Ok(())
}

/// Leaves out entries before their topic's first.
#[derive(Debug, Clone)]
pub(crate) struct TrimmedEntries(Arc<Reclaim>);

impl TrimmedEntries {
    pub(crate) fn new(reclaim: &Arc<Reclaim>) -> Self {
        Self(Arc::clone(reclaim))
    }
}

impl Factory for TrimmedEntries {
    fn name(&self) -> &'static str {
        "trimmed-entries"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        let firsts = self.0.firsts.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::new(BeforeFirst(firsts))
    }
}

struct BeforeFirst(HashMap<u64, u64>);

impl CompactionFilter for BeforeFirst {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _: &Context) -> CompactionFilterResult {
        let key = item.key();
        let (Some(topic), Some(k)) = (number(key, 0), number(key, 1)) else {
            return Ok(Verdict::Keep);
        };
        let dead = self.0.get(&topic).is_some_and(|first| k < *first);
        // An entry's key is written once, so nothing older can show up behind it.
        Ok(if dead { Verdict::Destroy } else { Verdict::Keep })
    }
}

/// Leaves out marks older than the window of deduplication.
#[derive(Debug, Clone)]
pub(crate) struct ExpiredMarks(Arc<Reclaim>);

impl ExpiredMarks {
    pub(crate) fn new(reclaim: &Arc<Reclaim>) -> Self {
        Self(Arc::clone(reclaim))
    }
}

impl Factory for ExpiredMarks {
    fn name(&self) -> &'static str {
        "expired-marks"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(BeforeTime(self.0.oldest_mark_ms.load(Ordering::Relaxed)))
    }
}

struct BeforeTime(u64);

impl CompactionFilter for BeforeTime {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _: &Context) -> CompactionFilterResult {
        let value = item.value()?;
        let dead = number(&value, 1).is_some_and(|at_ms| at_ms < self.0);
        Ok(if dead { Verdict::Remove } else { Verdict::Keep })
    }
}
