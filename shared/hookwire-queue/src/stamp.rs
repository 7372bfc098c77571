use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells when things were accepted, so that the drain can bring them into that order again.
///
/// Times of one process differ and rise, whatever its clock does.
#[derive(Debug, Default)]
pub(crate) struct Stamp {
    last_us: AtomicU64,
}

impl Stamp {
    pub(crate) fn next_us(&self) -> u64 {
        self.after(now_us())
    }

    fn after(&self, now_us: u64) -> u64 {
        let next = |last: u64| now_us.max(last.saturating_add(1));
        let last =
            self.last_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(next(last)));
        next(last.unwrap_or_default())
    }
}

/// Microseconds since the Unix epoch.
pub(crate) fn now_us() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_rise_also_when_the_clock_does_not() {
        let stamp = Stamp::default();
        assert_eq!([5, 5, 4, 9].map(|now_us| stamp.after(now_us)), [5, 6, 7, 9]);
    }
}
