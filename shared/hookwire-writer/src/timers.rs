use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::door::Slot;

/// When which connection is to be looked after.
///
/// A connection has one entry, which is moved only when it comes up: with each delivery its time moves away, and to move
/// the entry along would cost more than to look once too early.
#[derive(Debug)]
pub(crate) struct Timers {
    since: Instant,
    entries: BinaryHeap<Reverse<(Tick, usize, u32)>>,
}

/// Milliseconds since a writer began; 49 days are as good as for ever, since every stream has an end before.
pub(crate) type Tick = u32;

impl Timers {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), entries: BinaryHeap::new() }
    }

    /// The first tick that is not before a time.
    pub(crate) fn tick(&self, at: Instant) -> Tick {
        let after = at.saturating_duration_since(self.since);
        Tick::try_from(after.as_millis()).unwrap_or(Tick::MAX).saturating_add(1)
    }

    pub(crate) fn add(&mut self, at: Tick, slot: Slot) {
        self.entries.push(Reverse((at, slot.key, slot.serial)));
    }

    /// How long it is until the next one comes up.
    pub(crate) fn next(&self, now: Instant) -> Option<Duration> {
        let Reverse((tick, ..)) = self.entries.peek()?;
        let at = self.since + Duration::from_millis(u64::from(*tick));
        Some(at.saturating_duration_since(now))
    }

    /// One that has come up, and when it was to.
    pub(crate) fn due(&mut self, now: Instant) -> Option<(Tick, Slot)> {
        let Reverse((tick, key, serial)) = match self.next(now)? {
            Duration::ZERO => self.entries.pop()?,
            _ => return None,
        };
        Some((tick, Slot { key, serial }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_up_in_its_order_and_nothing_before_its_time() {
        let mut timers = Timers::new();
        let now = Instant::now();
        let slot = |key| Slot { key, serial: 0 };
        for (key, after_ms) in [(1, 300), (2, 100), (3, 200)] {
            timers.add(timers.tick(now + Duration::from_millis(after_ms)), slot(key));
        }
        assert_eq!(timers.due(now + Duration::from_millis(99)), None);
        let later = now + Duration::from_millis(250);
        let mut due = || timers.due(later).map(|(_, slot)| slot);
        assert_eq!((due(), due()), (Some(slot(2)), Some(slot(3))));
        assert_eq!(timers.due(later), None);
        assert!(timers.next(later).unwrap() >= Duration::from_millis(50));
    }
}
