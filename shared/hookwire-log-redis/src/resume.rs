use hookwire_event::Position;
use hookwire_log::{Gap, GapReason};

/// What the log knows about a position that a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The newest position, or the place before the first one of its generation.
    pub(crate) tail: Position,
    /// What stood before the tail's generation began, if that is known.
    pub(crate) before_generation: Option<Position>,
    /// The oldest entry; only needed when the position's own is not there.
    pub(crate) oldest: Option<Position>,
    /// The newest entry of the position's generation that is not after it; `None` too when it is the position's own.
    pub(crate) below: Option<Position>,
    /// The first entry after the position, and what it says stood before it, where a generation begins.
    pub(crate) next: Option<(Position, Option<Position>)>,
}

/// Where a reader goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// After the position asked for.
    Here,
    /// After this gap, with the entries that follow the position asked for.
    After(Gap),
    /// After this gap, with entries that have to be read from there.
    Elsewhere(Gap),
}

/// Decides where a reader goes on that has seen everything up to `asked`.
///
/// Positions of one generation are compared; between generations only identity and what an entry says of its predecessor
/// count, since a generation's number comes from a clock.
pub(crate) fn resume(asked: Position, around: &Surroundings) -> Resume {
    let Surroundings { tail, before_generation, oldest, below, next } = *around;
    let same = |one: Position| one.generation == asked.generation;
    let to = |reason, missed: Option<u64>, certain, resumed_at| Gap {
        reason,
        missed,
        certain,
        resumed_at,
    };
    if asked == tail {
        return Resume::Here;
    }
    match next {
        // Its own entry is there, or entries of its generation on both sides: a hole between them shows by itself.
        Some((next, _)) if same(next) && (below.is_some() || oldest.is_none()) => Resume::Here,
        Some((next, _)) if same(next) && next == asked.next() => Resume::Here,
        Some((next, _)) if same(next) => {
            let missed = next.k.saturating_sub(asked.k + 1);
            Resume::After(to(GapReason::Trimmed, Some(missed), true, next.previous()))
        }
        // Its own entry is there and the last of its generation.
        _ if oldest.is_none() && next.is_some() => Resume::Here,
        // Its own entry is gone, but it was the last one before the next.
        Some((next, Some(previous))) if previous == asked => {
            Resume::After(to(GapReason::ServerChanged, None, false, next.previous()))
        }
        // It was never the last of its generation here, though the reader has seen it.
        _ if below.is_some() => {
            let resumed_at = next.map_or(tail, |(next, _)| next.previous());
            Resume::After(to(GapReason::Rollback, None, false, resumed_at))
        }
        None if same(tail) && asked.k < tail.k => {
            Resume::After(to(GapReason::Trimmed, Some(tail.k - asked.k), true, tail))
        }
        None if same(tail) => Resume::After(to(GapReason::Rollback, None, false, tail)),
        None if oldest.is_none() && before_generation == Some(asked) && tail.k > 0 => {
            Resume::After(to(GapReason::Trimmed, Some(tail.k), true, tail))
        }
        None if oldest.is_none() && before_generation == Some(asked) => {
            Resume::After(to(GapReason::ServerChanged, None, false, tail))
        }
        _ => {
            let resumed_at = oldest.map_or(tail, Position::previous);
            let gap = Gap::reset(resumed_at);
            let reads_on = oldest == next.map(|(next, _)| next);
            if reads_on { Resume::After(gap) } else { Resume::Elsewhere(gap) }
        }
    }
}

/// What lies between two entries that follow one another in the log: nothing, or a gap to tell of before `entry`.
///
/// `said` is what `entry` says stood before it.
pub(crate) fn between(previous: Position, entry: Position, said: Option<Position>) -> Option<Gap> {
    let resumed_at = entry.previous();
    if previous.generation == entry.generation {
        let missed = entry.k.saturating_sub(previous.k + 1);
        let gap =
            Gap { reason: GapReason::Rollback, missed: Some(missed), certain: true, resumed_at };
        return (missed > 0).then_some(gap);
    }
    let lost = |missed: Option<u64>| Gap {
        reason: GapReason::Rollback,
        missed,
        certain: missed.is_some(),
        resumed_at,
    };
    Some(match said {
        // The chain is whole, but who kept the log changed and may have lost what came after.
        Some(said) if said == previous && entry.k == 1 => {
            Gap { reason: GapReason::ServerChanged, missed: None, certain: false, resumed_at }
        }
        Some(said) if said.generation == previous.generation && said.k > previous.k => {
            lost(Some(said.k - previous.k))
        }
        Some(_) => lost(None),
        None => Gap::reset(resumed_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log as lists of numbers, one for each generation, and what each says stood before it.
    struct Log {
        entries: Vec<Position>,
        tail: Position,
        before: Vec<(u64, Position)>,
    }

    impl Log {
        fn around(&self, asked: Position) -> Surroundings {
            let found = asked == self.tail || self.entries.contains(&asked);
            let missing = |one: Option<&Position>| one.copied().filter(|_| !found);
            let below = self.entries.iter().rev();
            let mut below =
                below.filter(|one| one.generation == asked.generation && **one <= asked);
            let next = self.entries.iter().find(|one| **one > asked).copied();
            Surroundings {
                tail: self.tail,
                before_generation: self.before(self.tail.generation),
                oldest: missing(self.entries.first()),
                below: missing(below.next()),
                next: next.map(|next| (next, self.before(next.generation).filter(|_| next.k == 1))),
            }
        }

        fn before(&self, generation: u64) -> Option<Position> {
            self.before.iter().find(|(one, _)| *one == generation).map(|(_, before)| *before)
        }

        fn resume(&self, generation: u64, k: u64) -> String {
            let shown = |gap: Gap| {
                let missed = gap.missed.map(|missed| format!(" {missed}")).unwrap_or_default();
                format!("{}{missed} at {}", gap.reason.as_str(), gap.resumed_at)
            };
            match resume(Position::new(generation, k), &self.around(Position::new(generation, k))) {
                Resume::Here => "here".into(),
                Resume::After(gap) => shown(gap),
                Resume::Elsewhere(gap) => format!("{}, read anew", shown(gap)),
            }
        }
    }

    fn log(stretches: &[(u64, std::ops::RangeInclusive<u64>)]) -> Log {
        let entries: Vec<_> = stretches
            .iter()
            .flat_map(|(generation, ks)| ks.clone().map(|k| Position::new(*generation, k)))
            .collect();
        let before = stretches.windows(2).map(|two| {
            let last = Position::new(two[0].0, *two[0].1.end());
            (two[1].0, last)
        });
        Log { tail: *entries.last().unwrap(), before: before.collect(), entries }
    }

    #[test]
    fn a_position_in_the_log_goes_on_after_itself() {
        let log = log(&[(10, 3..=5), (20, 1..=2)]);
        for (generation, k) in [(10, 2), (10, 3), (10, 5), (20, 0), (20, 1), (20, 2)] {
            assert_eq!(log.resume(generation, k), "here", "{generation}-{k}");
        }
    }

    #[test]
    fn a_trimmed_stretch_is_counted() {
        assert_eq!(log(&[(10, 3..=5)]).resume(10, 0), "trimmed 2 at 10-2");
        assert_eq!(log(&[(20, 4..=4)]).resume(20, 1), "trimmed 2 at 20-3");
        let mut empty = log(&[(10, 1..=5)]);
        empty.entries.clear();
        assert_eq!(empty.resume(10, 2), "trimmed 3 at 10-5");
        assert_eq!(empty.resume(10, 5), "here");
    }

    #[test]
    fn a_tail_that_was_rolled_back_is_told_before_and_after_the_next_append() {
        assert_eq!(log(&[(10, 1..=5)]).resume(10, 9), "rollback at 10-5");
        assert_eq!(log(&[(10, 1..=5), (20, 1..=2)]).resume(10, 9), "rollback at 20-0");
        let mut empty = log(&[(10, 1..=5)]);
        empty.entries.clear();
        assert_eq!(empty.resume(10, 9), "rollback at 10-5");
    }

    #[test]
    fn the_last_of_a_generation_that_is_gone_is_told_of_the_change() {
        let mut log = log(&[(10, 1..=5), (20, 1..=2)]);
        log.entries.drain(..5);
        assert_eq!(log.resume(10, 5), "server_changed at 20-0");
        assert_eq!(log.resume(10, 4), "reset at 20-0");
    }

    #[test]
    fn what_came_and_went_since_the_change_is_counted() {
        let mut log = log(&[(10, 1..=5), (20, 1..=3)]);
        log.entries.clear();
        assert_eq!(log.resume(10, 5), "trimmed 3 at 20-3");
    }

    #[test]
    fn a_last_entry_that_was_deleted_is_no_rollback_to_who_has_seen_it() {
        let mut log = log(&[(10, 1..=5), (20, 1..=2)]);
        log.entries.remove(4);
        assert_eq!(log.resume(10, 5), "server_changed at 20-0");
    }

    #[test]
    fn a_position_of_no_generation_here_gets_everything_that_is_kept() {
        let log = log(&[(10, 3..=5), (20, 1..=2)]);
        assert_eq!(log.resume(9, 7), "reset at 10-2");
        assert_eq!(log.resume(15, 1), "reset at 10-2, read anew");
        assert_eq!(log.resume(30, 1), "reset at 10-2, read anew");
        assert_eq!(log.resume(0, 0), "reset at 10-2");
    }

    #[test]
    fn a_flushed_log_is_told_even_while_it_is_empty() {
        let flushed = Log { entries: Vec::new(), tail: Position::new(30, 0), before: Vec::new() };
        assert_eq!(flushed.resume(10, 5), "reset at 30-0");
        assert_eq!(flushed.resume(30, 0), "here");
    }

    #[test]
    fn a_hole_between_two_entries_is_counted_and_a_whole_chain_is_none() {
        let at = Position::new;
        assert_eq!(between(at(1, 4), at(1, 5), None), None);
        let hole = between(at(1, 4), at(1, 8), None).unwrap();
        assert_eq!((hole.missed, hole.certain, hole.resumed_at), (Some(3), true, at(1, 7)));
        let changed = between(at(1, 4), at(2, 1), Some(at(1, 4))).unwrap();
        assert_eq!((changed.reason, changed.certain), (GapReason::ServerChanged, false));
        let lost = between(at(1, 4), at(2, 1), Some(at(1, 6))).unwrap();
        assert_eq!((lost.reason, lost.missed), (GapReason::Rollback, Some(2)));
    }
}
