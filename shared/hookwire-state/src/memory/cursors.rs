use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryState;
use crate::{CURSOR_KEPT, Cursors, MOST_CLIENTS, Unavailable};

#[derive(Default)]
pub(super) struct MemoryCursors(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// Per subject, then per client.
    left: HashMap<String, HashMap<String, Left>>,
    /// Of all subjects together.
    len: usize,
    /// Later is more, also where two are left at the same moment.
    next: u64,
}

struct Left {
    n: u64,
    at: Instant,
    cursor: String,
}

/// Most cursors kept of all subjects together; the ones left longest ago go first.
const MOST: usize = 100_000;

impl Table {
    fn put(&mut self, subject: &str, client: &str, cursor: &str) {
        self.next += 1;
        let left = Left { n: self.next, at: Instant::now(), cursor: cursor.to_owned() };
        let clients = self.left.entry(subject.to_owned()).or_default();
        if clients.insert(client.to_owned(), left).is_some() {
            return;
        }
        self.len += 1;
        if clients.len() > MOST_CLIENTS {
            let oldest = clients.iter().min_by_key(|(_, left)| left.n);
            if let Some(oldest) = oldest.map(|(client, _)| client.clone()) {
                clients.remove(&oldest);
                self.len -= 1;
            }
        }
        if self.len > MOST {
            self.make_room();
        }
    }

    /// Rather forgets half of all clients at once than looks for the oldest at every call.
    fn make_room(&mut self) {
        self.retain(|left| left.at.elapsed() < CURSOR_KEPT);
        if self.len > MOST / 2 {
            let mut all: Vec<u64> = self.left.values().flatten().map(|(_, left)| left.n).collect();
            let at = all.len() - MOST / 2;
            let (_, first_kept, _) = all.select_nth_unstable(at);
            let first_kept = *first_kept;
            self.retain(|left| left.n >= first_kept);
        }
    }

    fn retain(&mut self, is_kept: impl Fn(&Left) -> bool) {
        self.left.retain(|_, clients| {
            clients.retain(|_, left| is_kept(left));
            !clients.is_empty()
        });
        self.len = self.left.values().map(HashMap::len).sum();
    }
}

impl fmt::Debug for MemoryCursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCursors").finish_non_exhaustive()
    }
}

#[async_trait]
impl Cursors for MemoryState {
    async fn put(&self, subject: &str, client: &str, cursor: &str) -> Result<(), Unavailable> {
        let mut table = self.cursors.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.put(subject, client, cursor);
        Ok(())
    }

    async fn get(&self, subject: &str, client: &str) -> Result<Option<String>, Unavailable> {
        let table = self.cursors.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = table.left.get(subject).and_then(|clients| clients.get(client));
        let left = left.filter(|left| left.at.elapsed() < CURSOR_KEPT);
        Ok(left.map(|left| left.cursor.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_subjects_together_are_bounded_and_the_newest_are_kept() {
        let mut table = Table::default();
        for n in 0..=MOST {
            table.put(&format!("user-{n}@example.com"), "phone", "1-1");
        }
        assert_eq!((table.len, table.left.len()), (MOST / 2, MOST / 2));
        assert!(table.left.contains_key(&format!("user-{MOST}@example.com")));
        assert!(!table.left.contains_key("user-0@example.com"));
        table.put(&format!("user-{MOST}@example.com"), "phone", "1-2");
        assert_eq!(table.len, MOST / 2, "in place of the one before");
    }
}
