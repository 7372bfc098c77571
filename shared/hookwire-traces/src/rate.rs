use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Lets some through in every second.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// The second in the upper half, and how many it has had in the lower one.
    had: AtomicU64,
}

impl Rate {
    /// So many cost nothing that can be measured, and show what there is to see.
    const A_SECOND: u64 = 100;

    pub(crate) fn lets_through(&self, now: SystemTime) -> bool {
        let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() << 32;
        let next = |had: u64| {
            let had = if had & !u64::from(u32::MAX) == second { had } else { second };
            (had - second < Self::A_SECOND).then_some(had + 1)
        };
        self.had.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_second_lets_a_hundred_through() {
        let rate = Rate::default();
        for second in [1_000, 1_001] {
            let now = UNIX_EPOCH + Duration::from_secs(second);
            assert_eq!((0..500).filter(|_| rate.lets_through(now)).count(), 100);
        }
    }
}
