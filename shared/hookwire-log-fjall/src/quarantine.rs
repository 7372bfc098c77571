use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use hookwire_log::{BoxError, Quarantine, Quarantined};
use serde::{Deserialize, Serialize};

use crate::{FjallLog, Store};

/// Most notifications kept.
const MOST: u64 = 1_000;

#[derive(Serialize, Deserialize)]
struct Stored {
    source: String,
    reason: String,
    received_at_ms: u64,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[async_trait]
impl Quarantine for FjallLog {
    async fn put(&self, notification: Quarantined) -> Result<u64, BoxError> {
        blocking(&self.store, move |store| put(store, notification)).await
    }

    async fn list(&self, limit: usize) -> Result<Vec<Quarantined>, BoxError> {
        blocking(&self.store, move |store| {
            let newest = store.keyspaces.quarantine.iter().rev().take(limit);
            // One that cannot be read must not hide the others.
            Ok(newest.filter_map(|guard| decode(&guard.into_inner().ok()?).ok()).collect())
        })
        .await
    }

    async fn get(&self, id: u64) -> Result<Option<Quarantined>, BoxError> {
        blocking(&self.store, move |store| {
            let key = id.to_be_bytes();
            let value = store.keyspaces.quarantine.get(key)?;
            value.map(|value| decode(&(key.into(), value))).transpose()
        })
        .await
    }

    async fn remove(&self, id: u64) -> Result<(), BoxError> {
        blocking(&self.store, move |store| {
            store.keyspaces.quarantine.remove(id.to_be_bytes())?;
            Ok(store.keyspaces.sync()?)
        })
        .await
    }
}

fn put(store: &Store, notification: Quarantined) -> Result<u64, BoxError> {
    let id = store.next_quarantined.fetch_add(1, Ordering::Relaxed);
    let stored = Stored {
        source: notification.source,
        reason: notification.reason,
        received_at_ms: notification.received_at_ms,
        headers: notification.headers,
        body: notification.body.into(),
    };
    let keyspace = &store.keyspaces.quarantine;
    keyspace.insert(id.to_be_bytes(), postcard::to_allocvec(&stored)?)?;
    if id > MOST && keyspace.contains_key((id - MOST).to_be_bytes())? {
        keyspace.remove((id - MOST).to_be_bytes())?;
        if let Some(times) = store.told.dropped.again() {
            tracing::warn!(times, "the quarantine is full, its oldest notifications are dropped");
        }
    }
    store.keyspaces.sync()?;
    Ok(id)
}

fn decode((key, value): &(fjall::UserKey, fjall::UserValue)) -> Result<Quarantined, BoxError> {
    let stored: Stored = postcard::from_bytes(value)?;
    Ok(Quarantined {
        id: crate::keyspaces::number(key, 0).ok_or("a quarantined notification has no number")?,
        source: stored.source,
        reason: stored.reason,
        received_at_ms: stored.received_at_ms,
        headers: stored.headers,
        body: stored.body.into(),
    })
}

async fn blocking<T: Send + 'static>(
    store: &Arc<Store>,
    work: impl FnOnce(&Store) -> Result<T, BoxError> + Send + 'static,
) -> Result<T, BoxError> {
    let store = Arc::clone(store);
    tokio::task::spawn_blocking(move || work(&store)).await?
}
