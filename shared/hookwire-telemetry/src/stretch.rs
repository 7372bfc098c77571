use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A stretch of the same trouble: told when it begins, now and then while it lasts, and once when it is over. A line for
/// each failure would hide the first.
#[derive(Debug, Default)]
pub struct Stretch {
    began: Option<Began>,
    told_at: Option<Instant>,
    told_times: u32,
}

#[derive(Debug, Clone, Copy)]
struct Began {
    at: Instant,
    last: Instant,
    count: u64,
    is_told: bool,
}

/// What was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// How many times it happened.
    pub count: u64,
    /// From the first time to the end.
    pub lasted: Duration,
}

impl Over {
    /// How long it lasted, as a field of a line.
    #[must_use]
    pub fn duration_ms(&self) -> u64 {
        u64::try_from(self.lasted.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Pause between two lines, doubled by each: also between two stretches, since what fails every other time is in trouble
/// throughout.
const TOLD_EVERY: Duration = Duration::from_secs(10);
/// Doublings, to 43 minutes.
const MOST_DOUBLINGS: u32 = 8;
/// Less is not worth a line at its end.
const SHORT: Duration = Duration::from_secs(1);

impl Stretch {
    /// It happened once more. If that is to be told: how many times it has happened in this stretch.
    pub fn again(&mut self, now: Instant) -> Option<u64> {
        let began =
            self.began.get_or_insert(Began { at: now, last: now, count: 0, is_told: false });
        began.count += 1;
        began.last = now;
        let pause = TOLD_EVERY * (1 << self.told_times.saturating_sub(1).min(MOST_DOUBLINGS));
        let since_told = self.told_at.map(|told| now.saturating_duration_since(told));
        if since_told.is_some_and(|since| since <= pause) {
            return None;
        }
        // After a long while of quiet it is news again.
        if since_told.is_some_and(|since| since > pause * 2 && began.count == 1) {
            self.told_times = 0;
        }
        self.told_at = Some(now);
        self.told_times += 1;
        began.is_told = true;
        Some(began.count)
    }

    /// It did not happen any more: what is over, if that is worth a line. As nearly always there was nothing, and that costs
    /// nothing.
    pub fn over(&mut self, now: Instant) -> Option<Over> {
        self.over_however_short(now).filter(|over| over.lasted > SHORT)
    }

    /// As [`Self::over`], for what has to be told whenever its beginning was.
    pub fn over_however_short(&mut self, now: Instant) -> Option<Over> {
        let Began { at, count, is_told, .. } = self.began.take()?;
        let lasted = now.saturating_duration_since(at);
        is_told.then_some(Over { count, lasted })
    }

    /// As [`Self::over`], for what is over when it has not happened for so long, since some of it goes well all the time.
    pub fn quiet(&mut self, now: Instant, after: Duration) -> Option<Over> {
        let Began { at, last, count, is_told } = *self
            .began
            .as_ref()
            .filter(|began| now.saturating_duration_since(began.last) > after)?;
        self.began = None;
        let lasted = last.saturating_duration_since(at);
        is_told.then_some(Over { count, lasted })
    }

    /// Whether it goes on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.began.is_some()
    }
}

/// A [`Stretch`] that several tasks tell of. One that nobody ends is over after ten minutes of quiet.
#[derive(Debug, Default)]
pub struct SharedStretch(Mutex<Stretch>);

impl SharedStretch {
    const QUIET: Duration = Duration::from_mins(10);

    /// See [`Stretch::again`].
    pub fn again(&self) -> Option<u64> {
        let now = Instant::now();
        let mut stretch = self.stretch();
        stretch.quiet(now, Self::QUIET);
        stretch.again(now)
    }

    /// See [`Stretch::over_however_short`].
    pub fn over_however_short(&self) -> Option<Over> {
        self.stretch().over_however_short(Instant::now())
    }

    /// See [`Stretch::quiet`].
    pub fn quiet(&self, after: Duration) -> Option<Over> {
        self.stretch().quiet(Instant::now(), after)
    }

    fn stretch(&self) -> MutexGuard<'_, Stretch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_outage_of_ten_minutes_at_a_hundred_failures_a_second_is_a_handful_of_lines() {
        let (mut stretch, start) = (Stretch::default(), Instant::now());
        let told =
            (0..60_000).filter_map(|n| stretch.again(start + 10 * MS * n)).collect::<Vec<_>>();
        assert_eq!(told.len(), 6, "{told:?}");
        assert_eq!(told.first(), Some(&1));
        let over = stretch.over(start + Duration::from_mins(10)).unwrap();
        assert_eq!((over.count, over.duration_ms()), (60_000, 600_000));
        assert_eq!(stretch.over(start + Duration::from_mins(11)), None);
    }

    #[test]
    fn what_fails_every_other_time_is_told_as_rarely() {
        let (mut stretch, start) = (Stretch::default(), Instant::now());
        let mut lines = 0;
        for n in 0..60_000 {
            let now = start + 10 * MS * n;
            lines += usize::from(stretch.again(now).is_some());
            lines += usize::from(stretch.over(now + 5 * MS).is_some());
        }
        assert_eq!(lines, 6);
        assert_eq!(stretch.again(start + Duration::from_hours(2)), Some(1), "news again");
        assert_eq!(stretch.again(start + Duration::from_hours(2) + 11_000 * MS), Some(2));
    }

    #[test]
    fn what_was_short_or_never_told_has_no_end_that_is_told() {
        let (mut stretch, start) = (Stretch::default(), Instant::now());
        assert_eq!(stretch.again(start), Some(1));
        assert_eq!(stretch.over(start + 900 * MS), None);
        assert_eq!(stretch.again(start + 2_000 * MS), None);
        assert_eq!(stretch.over(start + 8_000 * MS), None);
    }

    #[test]
    fn it_is_over_after_a_quiet_while() {
        let (mut stretch, start) = (Stretch::default(), Instant::now());
        stretch.again(start);
        stretch.again(start + 5_000 * MS);
        let after = Duration::from_secs(10);
        assert_eq!(stretch.quiet(start + 15_000 * MS, after), None);
        let over = stretch.quiet(start + 15_001 * MS, after).unwrap();
        assert_eq!((over.count, over.duration_ms()), (2, 5_000));
        assert!(!stretch.is_on());
    }
}
