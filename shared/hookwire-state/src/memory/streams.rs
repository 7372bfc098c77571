use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryState;
use crate::{InstanceId, Lease, Opened, Over, StreamId, Streams, Unavailable};

#[derive(Default)]
pub(super) struct MemoryStreams(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// Per subject, oldest first.
    held: HashMap<String, Vec<Held>>,
    mailboxes: HashMap<InstanceId, Vec<StreamId>>,
    /// Instead of a clock: later is more.
    last_us: u64,
}

#[derive(Clone, Copy)]
struct Held {
    stream: StreamId,
    since_us: u64,
    ends_at: Instant,
}

impl Table {
    /// The leases of a subject that have not ended.
    fn held(&mut self, subject: &str, now: Instant) -> &mut Vec<Held> {
        let held = self.held.entry(subject.to_owned()).or_default();
        held.retain(|one| one.ends_at > now);
        held
    }
}

impl fmt::Debug for MemoryStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStreams").finish_non_exhaustive()
    }
}

fn lock(streams: &MemoryStreams) -> MutexGuard<'_, Table> {
    streams.0.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Streams for MemoryState {
    async fn open(
        &self,
        subject: &str,
        stream: StreamId,
        most: u32,
        over: Over,
        lease: Duration,
    ) -> Result<Opened, Unavailable> {
        let now = Instant::now();
        let mut table = lock(&self.streams);
        table.last_us += 1;
        let since_us = table.last_us;
        let held = table.held(subject, now);
        let too_many = (held.len() + 1).saturating_sub(most as usize);
        if too_many > 0 && over == Over::RefuseNewest {
            let first = held.iter().map(|one| one.ends_at).min().unwrap_or(now);
            return Ok(Opened::Full { retry_after: first - now });
        }
        let evicted: Vec<StreamId> =
            held.drain(..too_many.min(held.len())).map(|one| one.stream).collect();
        held.push(Held { stream, since_us, ends_at: now + lease });
        let (own, others): (Vec<_>, Vec<_>) =
            evicted.into_iter().partition(|one| one.instance == stream.instance);
        for other in others {
            table.mailboxes.entry(other.instance).or_default().push(other);
        }
        Ok(Opened::Admitted { since_us, evicted: own })
    }

    async fn renew(
        &self,
        leases: &[Lease],
        most: u32,
        lease: Duration,
    ) -> Result<Vec<StreamId>, Unavailable> {
        let now = Instant::now();
        let mut table = lock(&self.streams);
        let mut gone = Vec::new();
        for Lease { subject, stream, since_us } in leases {
            let held = table.held(subject, now);
            let (has_room, at) = (held.len() < most as usize, now + lease);
            match held.iter_mut().find(|one| one.stream == *stream) {
                Some(one) => one.ends_at = at,
                None if has_room => {
                    held.push(Held { stream: *stream, since_us: *since_us, ends_at: at });
                    held.sort_by_key(|one| one.since_us);
                }
                None => gone.push(*stream),
            }
        }
        Ok(gone)
    }

    async fn close(&self, subject: &str, stream: StreamId) -> Result<(), Unavailable> {
        let mut table = lock(&self.streams);
        let held = table.held(subject, Instant::now());
        held.retain(|one| one.stream != stream);
        if held.is_empty() {
            table.held.remove(subject);
        }
        Ok(())
    }

    async fn evicted(&self, instance: InstanceId) -> Result<Vec<StreamId>, Unavailable> {
        Ok(lock(&self.streams).mailboxes.remove(&instance).unwrap_or_default())
    }
}
