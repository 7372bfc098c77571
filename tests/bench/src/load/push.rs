use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use mio::Token;

use super::Load;
use crate::publisher::Publisher;
use crate::template::Template;

impl Load {
    /// Opens connections for [`Self::push_at`].
    pub fn pushers(&mut self, to: SocketAddr, count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            let token = Token(Self::PUBLISHERS + self.publishers.len());
            let registry = self.poll.registry();
            self.publishers.push(Publisher::open(to, Template::new(Vec::new()), registry, token)?);
        }
        Ok(())
    }

    /// Sends these requests at a fixed rate, whatever the answers do, and measures from when each was due until it was
    /// answered. They take the connections in turn, and none that still waits while there is another one.
    pub fn push_at(
        &mut self,
        per_second: u32,
        requests: impl Iterator<Item = Vec<u8>>,
    ) -> anyhow::Result<Vec<Duration>> {
        let start = Instant::now();
        let count = self.publishers.len();
        for (n, request) in (0..).zip(requests) {
            let due = start + Duration::from_secs(1) * n / per_second;
            while let Some(left) = due.checked_duration_since(Instant::now()) {
                // A timeout is rounded up to a millisecond, so the last one is spent looking.
                self.turn(left.saturating_sub(Duration::from_millis(1)))?;
            }
            let in_turn = (0..count).map(|place| (n as usize + place) % count);
            let free = in_turn.min_by_key(|place| self.publishers[*place].in_flight());
            let free = free.context("the caller opened connections")?;
            self.publishers[free].send(&request, due)?;
        }
        self.await_answers()?;
        let waited =
            self.publishers.iter_mut().map(|publisher| std::mem::take(&mut publisher.waited));
        Ok(waited.flatten().collect())
    }
}
