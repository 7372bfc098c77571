use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryState;
use crate::{Tickets, Unavailable};

pub(super) struct MemoryTickets {
    spent: Mutex<Spent>,
    since: SystemTime,
}

impl Default for MemoryTickets {
    fn default() -> Self {
        Self { spent: Mutex::default(), since: SystemTime::now() }
    }
}

/// Spent tickets, and when they end anyway.
#[derive(Default)]
struct Spent {
    ends: HashMap<String, Instant>,
    /// How many there must be before those that have ended are forgotten again.
    clean_at: usize,
}

/// Not worth forgetting.
const FEW: usize = 64;

impl Spent {
    fn spend(&mut self, ticket: &str, now: Instant, ends_at: Instant) -> bool {
        if self.ends.len() >= self.clean_at {
            self.ends.retain(|_, ends_at| *ends_at > now);
            // Twice what is left: so many are spent before all are walked through again, however many have not ended.
            self.clean_at = (self.ends.len() * 2).max(FEW);
        }
        let before = self.ends.insert(ticket.to_owned(), ends_at);
        before.is_none_or(|ends_at| ends_at <= now)
    }
}

impl fmt::Debug for MemoryTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTickets").finish_non_exhaustive()
    }
}

#[async_trait]
impl Tickets for MemoryState {
    async fn spend(&self, ticket: &str, valid_for: Duration) -> Result<bool, Unavailable> {
        let now = Instant::now();
        let mut spent = self.tickets.spent.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(spent.spend(ticket, now, now + valid_for))
    }

    fn since(&self) -> Option<SystemTime> {
        Some(self.tickets.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tickets_are_walked_through_only_when_there_are_twice_as_many() {
        let (mut spent, now) = (Spent::default(), Instant::now());
        let mut cleaned_at = Vec::new();
        for n in 0..10_000 {
            let before = spent.clean_at;
            assert!(spent.spend(&n.to_string(), now, now + Duration::from_secs(30)));
            if spent.clean_at != before {
                cleaned_at.push(n);
            }
        }
        assert_eq!(cleaned_at, [0, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192]);
    }

    #[test]
    fn tickets_that_have_ended_take_no_room() {
        let (mut spent, start) = (Spent::default(), Instant::now());
        for n in 0..10_000 {
            let now = start + Duration::from_secs(n);
            assert!(spent.spend(&n.to_string(), now, now + Duration::from_secs(30)));
            assert!(spent.ends.len() <= FEW.max(2 * 30));
        }
    }
}
