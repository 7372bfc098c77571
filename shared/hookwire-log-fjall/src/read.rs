use std::sync::Arc;

use bytes::Bytes;
use fjall::LsmError;
use hookwire_event::{Position, Topic, decode_record};
use hookwire_log::{BoxError, Entry, Extent, Gap, GapReason, Page, PageLimit, ReadError, Start};

use crate::Store;
use crate::catalog::TopicState;
use crate::keyspaces::{entry_key, number};

/// Bytes in front of a record: the topic's bytes before it, and the time of its append.
const META_BYTES: usize = 16;

/// Most entries in a row that are looked at for one that can be read; behind them the next read goes on.
const MAX_SKIPPED: u64 = 4_096;

pub(crate) fn page(
    store: &Store,
    topic: &Topic,
    after: Position,
    limit: PageLimit,
) -> Result<Page, ReadError> {
    loop {
        let Some(state) = store.catalog.get(topic) else {
            let gap = Extent::empty(store.generation).resolve(after).gap;
            return Ok(Page { gap, entries: Vec::new() });
        };
        let resolved = state.extent.resolve(after);
        let entries = scan(store, topic, &state, resolved.from, limit)?;
        if !entries.is_empty() || resolved.from == state.extent.next || resolved.gap.is_some() {
            return Ok(Page { gap: resolved.gap, entries });
        }
        // The first entry asked for is not there: it was trimmed meanwhile, or it is damaged.
        if store.catalog.get(topic).is_some_and(|now| now.extent.first > resolved.from) {
            continue;
        }
        let gap = Some(damage(store, topic, &state, resolved.from)?);
        return Ok(Page { gap, entries: Vec::new() });
    }
}

/// Finds where entries can be read again after number `from`, which cannot.
fn damage(store: &Store, topic: &Topic, state: &TopicState, from: u64) -> Result<Gap, ReadError> {
    let mut next = from + 1;
    let end = state.extent.next.min(from.saturating_add(MAX_SKIPPED));
    let one = PageLimit { events: 1, bytes: 0 };
    while next < end && scan(store, topic, state, next, one)?.is_empty() {
        next += 1;
    }
    let missed = next - from;
    metrics::counter!("hookwire_log_damaged_entries_total").increment(missed);
    if store.told.damaged.again().is_some() {
        tracing::error!(
            incident = "log-broken",
            topic.hash = %topic.hash(),
            missed,
            "entries of the embedded log cannot be read and are skipped"
        );
    }
    let (reason, resumed_at) = (GapReason::Rollback, state.extent.before(next));
    Ok(Gap { reason, missed: Some(missed), certain: true, resumed_at })
}

/// Reads entries from number `from` on; stops at the first that is missing or cannot be read.
fn scan(
    store: &Store,
    topic: &Topic,
    state: &TopicState,
    from: u64,
    limit: PageLimit,
) -> Result<Vec<Entry>, ReadError> {
    let keys = entry_key(state.id, from)..entry_key(state.id, state.extent.next);
    let (mut entries, mut bytes) = (Vec::new(), 0);
    let mut previous = state.extent.before(from);
    for guard in store.keyspaces.entries.range(keys) {
        let (key, value) = match guard.into_inner() {
            Ok(entry) => entry,
            Err(error) if is_damage(&error) => break,
            Err(error) => return Err(unavailable(error)),
        };
        let value = Bytes::copy_from_slice(&value);
        bytes += value.len();
        let full = entries.len() >= limit.events || (bytes > limit.bytes && !entries.is_empty());
        if full || number(&key, 1) != Some(previous.next().k) || value.len() < META_BYTES {
            break;
        }
        let Ok(event) = decode_record(topic, &value.slice(META_BYTES..)) else { break };
        let position = previous.next();
        entries.push(Entry { position, previous, event: Arc::new(event), accepted: None });
        previous = position;
    }
    Ok(entries)
}

/// Whether asking again cannot help.
fn is_damage(error: &fjall::Error) -> bool {
    !matches!(
        error,
        fjall::Error::Io(_) | fjall::Error::Storage(LsmError::Io(_)) | fjall::Error::Poisoned
    )
}

pub(crate) fn locate(store: &Store, topic: &Topic, start: Start) -> Result<Position, ReadError> {
    let Some(state) = store.catalog.get(topic) else {
        return Ok(Extent::empty(store.generation).tail());
    };
    let extent = state.extent;
    Ok(match start {
        Start::Tail => extent.tail(),
        Start::Earliest => extent.before(extent.first),
        Start::Last(n) => extent.before(extent.next.saturating_sub(n).max(extent.first)),
        Start::Since(since_ms) => extent.before(first_since(store, &state, since_ms)?),
    })
}

fn first_since(store: &Store, state: &TopicState, since_ms: u64) -> Result<u64, ReadError> {
    let (mut low, mut high) = (state.extent.first, state.extent.next);
    while low < high {
        let middle = low + (high - low) / 2;
        let value = match store.keyspaces.entries.get(entry_key(state.id, middle)) {
            Ok(value) => value,
            Err(error) if is_damage(&error) => None,
            Err(error) => return Err(unavailable(error)),
        };
        match value.and_then(|value| number(&value, 1)) {
            Some(at_ms) if at_ms < since_ms => low = middle + 1,
            // Of what cannot be read it is not known that it is older.
            _ => high = middle,
        }
    }
    Ok(low)
}

fn unavailable(error: fjall::Error) -> ReadError {
    ReadError(BoxError::from(error))
}
