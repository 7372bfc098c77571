use std::collections::HashMap;
use std::time::{Duration, SystemTime};

/// How much is told. All by the clock on the wall, which goes on while a process is frozen.
#[derive(Debug)]
pub(super) struct Cap {
    most: u32,
    sample_rate: f64,
    window: SystemTime,
    told: u32,
    told_of: HashMap<String, u32>,
    /// What was not told since something was.
    suppressed: u64,
    /// What was told to have begun and not to be over, by its kind and whom it is about.
    open: HashMap<(String, String), Open>,
}

/// Since when it is so, and when it was told last.
#[derive(Debug, Clone, Copy)]
struct Open {
    since: SystemTime,
    told_at: SystemTime,
}

/// Whether something is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Yes: since when it has been so, and how much before it was not told.
    Tell { since: SystemTime, suppressed: u64 },
    /// No, since much is told already.
    Capped,
    /// No: it was not drawn, or is the end of what was not told.
    Nothing,
}

const WINDOW: Duration = Duration::from_mins(10);
/// One kind must leave room for the others.
const KINDS: u32 = 6;
/// Their names come from the settings and the code; a bound all the same.
const MOST_OPEN: usize = 256;
/// What has no end, such as a panic, is another one after so long. Longer than the longest pause between two lines of one
/// stretch of trouble.
const OPEN_FOR: Duration = Duration::from_hours(2);

impl Cap {
    pub(super) fn new(most: u32, sample_rate: f64) -> Self {
        Self {
            most,
            sample_rate,
            window: SystemTime::UNIX_EPOCH,
            told: 0,
            told_of: HashMap::new(),
            suppressed: 0,
            open: HashMap::new(),
        }
    }

    /// Decides about a beginning, or about an end: it is told when its beginning was, so there are no more of them.
    pub(super) fn decide(
        &mut self,
        kind: &str,
        whom: &str,
        is_over: bool,
        now: SystemTime,
    ) -> Decision {
        let key = (kind.to_owned(), whom.to_owned());
        if is_over {
            return match self.open.remove(&key) {
                Some(open) => self.tell(open.since),
                None => Decision::Nothing,
            };
        }
        if fastrand::f64() >= self.sample_rate {
            return Decision::Nothing;
        }
        // A clock that was set back begins a new window, too.
        if now.duration_since(self.window).map_or(true, |age| age >= WINDOW) {
            self.window = now;
            self.told = 0;
            self.told_of.clear();
        }
        let of_kind = self.told_of.entry(kind.to_owned()).or_default();
        if self.told >= self.most || *of_kind >= (self.most / KINDS).max(1) {
            self.suppressed += 1;
            return Decision::Capped;
        }
        *of_kind += 1;
        self.told += 1;
        let is_recent =
            |open: &Open| now.duration_since(open.told_at).map_or(true, |quiet| quiet < OPEN_FOR);
        let before = self.open.get(&key).copied().filter(is_recent);
        let since = before.map_or(now, |open| open.since);
        if self.open.len() >= MOST_OPEN {
            self.open.retain(|_, open| is_recent(open));
        }
        if self.open.len() < MOST_OPEN {
            self.open.insert(key, Open { since, told_at: now });
        }
        self.tell(since)
    }

    fn tell(&mut self, since: SystemTime) -> Decision {
        Decision::Tell { since, suppressed: std::mem::take(&mut self.suppressed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(minutes: u64) -> SystemTime {
        BEGAN + Duration::from_hours(24) + Duration::from_mins(minutes)
    }

    fn told(cap: &mut Cap, kind: &str, times: usize, now: SystemTime) -> usize {
        let decided = (0..times).map(|_| cap.decide(kind, "", false, now));
        decided.filter(|decision| matches!(decision, Decision::Tell { .. })).count()
    }

    #[test]
    fn one_kind_leaves_room_for_others_and_all_together_are_bounded() {
        let mut cap = Cap::new(60, 1.0);
        assert_eq!(told(&mut cap, "a", 1_000, at(0)), 10);
        let others =
            ["b", "c", "d", "e", "f", "g", "h"].map(|kind| told(&mut cap, kind, 100, at(1)));
        assert_eq!(others, [10, 10, 10, 10, 10, 0, 0]);
        assert_eq!(told(&mut cap, "a", 1_000, at(9)), 0);
        assert_eq!(told(&mut cap, "a", 1_000, at(10)), 10);
        assert_eq!(told(&mut cap, "a", 1, at(5)), 1, "the clock was set back");
    }

    #[test]
    fn what_has_no_end_is_another_one_after_hours() {
        let mut cap = Cap::new(60, 1.0);
        let since = |cap: &mut Cap, minutes| match cap.decide("panic", "", false, at(minutes)) {
            Decision::Tell { since, .. } => since,
            other => panic!("{other:?}"),
        };
        assert_eq!(since(&mut cap, 0), at(0));
        assert_eq!(since(&mut cap, 100), at(0));
        assert_eq!(since(&mut cap, 200), at(0));
        assert_eq!(since(&mut cap, 500), at(500));
    }

    #[test]
    fn what_was_not_told_is_told_once_with_the_next() {
        let mut cap = Cap::new(6, 1.0);
        assert_eq!(told(&mut cap, "a", 8, at(0)), 1);
        let tell = |cap: &mut Cap, kind| cap.decide(kind, "", false, at(1));
        assert_eq!(tell(&mut cap, "b"), Decision::Tell { since: at(1), suppressed: 7 });
        assert_eq!(tell(&mut cap, "c"), Decision::Tell { since: at(1), suppressed: 0 });
    }

    #[test]
    fn an_end_is_told_when_its_beginning_was_also_beyond_the_cap() {
        let mut cap = Cap::new(6, 1.0);
        let begins = |cap: &mut Cap, whom| cap.decide("a", whom, false, at(0));
        assert!(matches!(begins(&mut cap, "x"), Decision::Tell { .. }));
        assert_eq!(begins(&mut cap, "y"), Decision::Capped);
        let over = |cap: &mut Cap, whom| cap.decide("a", whom, true, at(3));
        assert_eq!(over(&mut cap, "y"), Decision::Nothing);
        assert_eq!(over(&mut cap, "x"), Decision::Tell { since: at(0), suppressed: 1 });
        assert_eq!(over(&mut cap, "x"), Decision::Nothing, "once");
    }

    #[test]
    fn a_share_is_told_and_nothing_of_what_was_not_drawn() {
        let mut cap = Cap::new(1_000_000, 0.25);
        fastrand::seed(7);
        let count = told(&mut cap, "a", 10_000, at(0));
        assert!((2_000..3_000).contains(&count), "{count}");
        assert_eq!(told(&mut Cap::new(60, 0.0), "a", 100, at(0)), 0);
    }
}
