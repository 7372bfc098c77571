use hookwire_event::Position;

use crate::{Gap, GapReason};

/// Which part of one topic's history a log of one generation holds: the entries `first..next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The generation of every position here.
    pub generation: u64,
    /// Number of the oldest entry kept; `next` when none is.
    pub first: u64,
    /// Number that the next append gets.
    pub next: u64,
}

/// From where a reader goes on, and what it must be told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// Number of the first entry to read; `next` at the tail.
    pub from: u64,
    /// What lies between the reader's position and there.
    pub gap: Option<Gap>,
}

impl Extent {
    /// A topic in which nothing was appended yet.
    #[must_use]
    pub fn empty(generation: u64) -> Self {
        Self { generation, first: 1, next: 1 }
    }

    /// The newest position, or the place before the first entry.
    #[must_use]
    pub fn tail(&self) -> Position {
        self.before(self.next)
    }

    /// The position just before entry `k`.
    #[must_use]
    pub fn before(&self, k: u64) -> Position {
        Position::new(self.generation, k.saturating_sub(1))
    }

    /// The number of entries kept.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next.saturating_sub(self.first)
    }

    /// Whether no entry is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds where a reader that has seen everything up to `after` goes on.
    #[must_use]
    pub fn resolve(&self, after: Position) -> Resolved {
        if after.generation != self.generation {
            // Another log, or one that was lost: nothing tells what lay between, so all that is here follows.
            return self.gap(GapReason::Reset, None, false, self.first);
        }
        let from = after.next().k;
        if from > self.next {
            return self.gap(GapReason::Rollback, None, false, self.next);
        }
        if from < self.first {
            return self.gap(GapReason::Trimmed, Some(self.first - from), true, self.first);
        }
        Resolved { from, gap: None }
    }

    fn gap(&self, reason: GapReason, missed: Option<u64>, certain: bool, from: u64) -> Resolved {
        let gap = Gap { reason, missed, certain, resumed_at: self.before(from) };
        Resolved { from, gap: Some(gap) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { generation: 7, first: 5, next: 9 };

    #[test]
    fn a_position_inside_the_log_goes_on_after_itself() {
        for k in 4..=8 {
            let resolved = EXTENT.resolve(Position::new(7, k));
            assert_eq!(resolved, Resolved { from: k + 1, gap: None });
        }
    }

    #[test]
    fn a_trimmed_stretch_is_counted_exactly() {
        let gap = EXTENT.resolve(Position::new(7, 1)).gap.unwrap();
        assert_eq!((gap.reason, gap.missed, gap.certain), (GapReason::Trimmed, Some(3), true));
        assert_eq!(gap.resumed_at, Position::new(7, 4));
    }

    #[test]
    fn a_position_past_the_tail_or_of_another_log_is_a_gap() {
        let ahead = EXTENT.resolve(Position::new(7, 9));
        assert_eq!(ahead.gap.map(|gap| gap.reason), Some(GapReason::Rollback));
        assert_eq!(ahead.from, 9);
        for generation in [0, 6, 8] {
            let other = EXTENT.resolve(Position::new(generation, 6));
            assert_eq!(other.gap.map(|gap| gap.reason), Some(GapReason::Reset));
            assert_eq!(other.from, 5);
        }
    }
}
