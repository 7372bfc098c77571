use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryState;
use crate::{Cursors, Unavailable};

#[derive(Debug, Default)]
pub(super) struct MemoryCursors(Mutex<HashMap<(String, String), (String, Instant)>>);

/// How long a cursor is kept.
const KEPT: Duration = Duration::from_hours(24);
/// Most cursors kept; the ones left longest ago go first.
const MOST: usize = 100_000;

#[async_trait]
impl Cursors for MemoryState {
    async fn put(&self, subject: &str, client: &str, cursor: &str) -> Result<(), Unavailable> {
        let key = (subject.to_owned(), client.to_owned());
        let mut cursors = self.cursors.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cursors.len() >= MOST && !cursors.contains_key(&key) {
            cursors.retain(|_, (_, at)| at.elapsed() < KEPT);
            // Rather forget half of all clients at once than look for the oldest at every call.
            let mut left: Vec<Instant> = cursors.values().map(|(_, at)| *at).collect();
            if left.len() >= MOST {
                let (_, middle, _) = left.select_nth_unstable(MOST / 2);
                let middle = *middle;
                cursors.retain(|_, (_, at)| *at > middle);
            }
        }
        cursors.insert(key, (cursor.to_owned(), Instant::now()));
        Ok(())
    }

    async fn get(&self, subject: &str, client: &str) -> Result<Option<String>, Unavailable> {
        let key = (subject.to_owned(), client.to_owned());
        let cursors = self.cursors.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cursors.get(&key).filter(|(_, at)| at.elapsed() < KEPT);
        Ok(found.map(|(cursor, _)| cursor.clone()))
    }
}
