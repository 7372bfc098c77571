use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::MemoryState;
use crate::{Tickets, Unavailable};

/// Spent tickets, and when they end anyway.
#[derive(Debug, Default)]
pub(super) struct MemoryTickets(Mutex<HashMap<String, Instant>>);

#[async_trait]
impl Tickets for MemoryState {
    async fn spend(&self, ticket: &str, valid_for: Duration) -> Result<bool, Unavailable> {
        let now = Instant::now();
        let mut spent = self.tickets.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= spent.capacity() / 2 {
            spent.retain(|_, ends_at| *ends_at > now);
        }
        let before = spent.insert(ticket.to_owned(), now + valid_for);
        Ok(before.is_none_or(|ends_at| ends_at <= now))
    }
}
