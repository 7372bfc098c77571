use std::collections::VecDeque;
use std::sync::Arc;

use hookwire_event::Position;

use crate::standing::Standing;
use crate::{Frame, Run};

/// How much of a topic's newest history is kept encoded while somebody follows it.
#[derive(Debug, Clone, Copy)]
pub struct RingLimit {
    /// Most frames, at least 1.
    pub events: usize,
    /// Most bytes; the newest frame is kept whatever its size.
    pub bytes: usize,
    /// Most bytes that one connection takes at once, so that one which then stops reading holds no more.
    pub run_bytes: usize,
}

impl Default for RingLimit {
    fn default() -> Self {
        Self { events: 1_024, bytes: 4 * 1024 * 1024, run_bytes: 256 * 1024 }
    }
}

/// The newest frames of one topic, of one generation and without a hole.
#[derive(Debug)]
pub(crate) struct Ring {
    limit: RingLimit,
    /// Where the newest frame stands, or where the log's tail was when there is none; unknown at first.
    head: Option<Position>,
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Runs taken last: connections that keep up all ask for the same one.
    taken: VecDeque<(u64, u64, Arc<Run>)>,
    turn: Turn,
    pub(crate) standing: Standing,
}

/// How often something new was told to a ring: what the log said before that is older than the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn(u64);

/// What follows a position, as far as the ring knows.
#[derive(Debug)]
pub(crate) enum Found {
    /// These frames.
    Run(Arc<Run>),
    /// Nothing yet.
    AtHead,
    /// Only the log can tell.
    Elsewhere,
}

impl Ring {
    const TAKEN: usize = 4;

    pub(crate) fn new(limit: RingLimit) -> Self {
        Self {
            limit,
            head: None,
            frames: VecDeque::new(),
            bytes: 0,
            taken: VecDeque::new(),
            turn: Turn::default(),
            standing: Standing::default(),
        }
    }

    /// How far the follower that is furthest behind is from the head, within one generation.
    pub(crate) fn slowest_lag(&self) -> u64 {
        let behind = self.head.zip(self.standing.last());
        behind.map_or(0, |(head, last)| head.k.saturating_sub(last))
    }

    pub(crate) fn turn(&self) -> Turn {
        self.turn
    }

    /// Adds the newest frame. One that does not follow the head shows a hole, or a new generation: what is before it
    /// is dropped, and whoever needs that reads the log.
    pub(crate) fn push(&mut self, previous: Position, frame: Frame) {
        let follows =
            self.head == Some(previous) && previous.generation == frame.position.generation;
        if !follows {
            self.clear();
        }
        self.head = Some(frame.position);
        self.bytes += frame.whole.len();
        self.frames.push_back(frame);
        while self.frames.len() > self.limit.events.max(1)
            || (self.bytes > self.limit.bytes && self.frames.len() > 1)
        {
            let oldest = self.frames.pop_front();
            self.bytes -= oldest.map_or(0, |frame| frame.whole.len());
        }
        self.taken.clear();
        self.turn.0 += 1;
    }

    /// Forgets everything: publishes may have been missed, so only the log knows where its tail is.
    pub(crate) fn lose(&mut self) {
        self.clear();
        self.head = None;
        self.turn.0 += 1;
    }

    /// Notes that the log's tail was `tail` when it was read, unless the ring was told something since `seen`, the
    /// turn before that read: the newest frame, perhaps the first of a new generation, would be taken for a stale one
    /// and its readers would wait for ever.
    pub(crate) fn settle(&mut self, tail: Position, seen: Turn) {
        let knows = self.head.is_some_and(|head| head.generation == tail.generation);
        if self.turn == seen && !knows {
            self.clear();
            self.head = Some(tail);
        }
    }

    /// Finds what follows `after`. `known` says that the log has confirmed that position: one past the head is then
    /// of an append whose publish is still on its way, while a client's claim may come from anywhere.
    pub(crate) fn after(&mut self, after: Position, known: bool) -> Found {
        let Some(head) = self.head else {
            return Found::Elsewhere;
        };
        if after.generation != head.generation {
            return Found::Elsewhere;
        }
        if after.k >= head.k {
            return if known || after.k == head.k { Found::AtHead } else { Found::Elsewhere };
        }
        let base = head.k - self.frames.len() as u64;
        let Some(skip) = after.k.checked_sub(base) else {
            return Found::Elsewhere;
        };
        Found::Run(self.take(after.k, usize::try_from(skip).unwrap_or(usize::MAX), head.k))
    }

    fn take(&mut self, from: u64, skip: usize, to: u64) -> Arc<Run> {
        if let Some((_, _, run)) = self.taken.iter().find(|(a, b, _)| (*a, *b) == (from, to)) {
            return Arc::clone(run);
        }
        let mut bytes = 0;
        let fits = |frame: &&Frame| {
            let first = bytes == 0;
            bytes += frame.whole.len();
            first || bytes <= self.limit.run_bytes
        };
        let frames = self.frames.iter().skip(skip).take_while(fits).cloned().collect();
        let run = Arc::new(Run::new(frames));
        self.taken.push_front((from, to, Arc::clone(&run)));
        self.taken.truncate(Self::TAKEN);
        run
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.taken.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn at(k: u64) -> Position {
        Position::new(1, k)
    }

    fn push(ring: &mut Ring, k: u64) {
        let whole = Bytes::from(format!("{k};"));
        ring.push(at(k - 1), Frame { position: at(k), whole, id_bytes: 0, accepted: None });
    }

    fn ring(events: usize, numbers: impl IntoIterator<Item = u64>) -> Ring {
        let mut ring = Ring::new(RingLimit { events, ..RingLimit::default() });
        numbers.into_iter().for_each(|k| push(&mut ring, k));
        ring
    }

    fn found(ring: &mut Ring, k: u64) -> String {
        match ring.after(at(k), true) {
            Found::Run(run) => String::from_utf8(run.joined().to_vec()).unwrap(),
            Found::AtHead => "head".into(),
            Found::Elsewhere => "log".into(),
        }
    }

    #[test]
    fn everything_up_to_the_head_comes_in_one_piece() {
        let mut ring = ring(3, 1..=5);
        assert_eq!(found(&mut ring, 2), "3;4;5;");
        assert_eq!(found(&mut ring, 4), "5;");
        assert_eq!(found(&mut ring, 5), "head");
    }

    #[test]
    fn who_fell_out_of_the_ring_is_sent_to_the_log() {
        assert_eq!(found(&mut ring(3, 1..=5), 1), "log");
    }

    #[test]
    fn a_hole_makes_the_ring_forget_what_was_before() {
        let mut ring = ring(9, [1, 2, 4, 5]);
        assert_eq!(found(&mut ring, 1), "log");
        assert_eq!(found(&mut ring, 2), "log");
        assert_eq!(found(&mut ring, 3), "4;5;");
    }

    #[test]
    fn a_new_generation_is_a_hole_even_when_it_follows() {
        let mut ring = ring(9, 1..=2);
        let frame = Frame {
            position: Position::new(2, 1),
            whole: Bytes::from_static(b"x"),
            id_bytes: 0,
            accepted: None,
        };
        ring.push(at(2), frame);
        assert_eq!(found(&mut ring, 1), "log");
        assert_eq!(found(&mut ring, 2), "log");
    }

    #[test]
    fn only_a_confirmed_position_may_be_ahead() {
        let mut ring = ring(9, 1..=2);
        assert!(matches!(ring.after(at(3), true), Found::AtHead));
        assert!(matches!(ring.after(at(3), false), Found::Elsewhere));
    }

    #[test]
    fn a_settled_ring_serves_the_next_frame_and_a_late_settling_changes_nothing() {
        let mut ring = ring(9, []);
        assert_eq!(found(&mut ring, 7), "log");
        let seen = ring.turn();
        ring.settle(at(7), seen);
        assert_eq!(found(&mut ring, 7), "head");
        push(&mut ring, 8);
        ring.settle(at(7), seen);
        assert_eq!(found(&mut ring, 7), "8;");
    }

    #[test]
    fn a_tail_that_was_read_before_a_new_generation_began_does_not_hide_it() {
        let mut ring = ring(9, 1..=2);
        let seen = ring.turn();
        let first = Position::new(2, 1);
        let frame =
            Frame { position: first, whole: Bytes::from_static(b"x"), id_bytes: 0, accepted: None };
        ring.push(at(2), frame);
        ring.settle(at(2), seen);
        assert_eq!(found(&mut ring, 2), "log", "and there it finds the first of the generation");
        assert!(matches!(ring.after(first, true), Found::AtHead));
    }

    #[test]
    fn a_ring_that_was_interrupted_sends_everybody_to_the_log() {
        let mut ring = ring(9, 1..=5);
        let seen = ring.turn();
        ring.lose();
        for k in [2, 5] {
            assert_eq!(found(&mut ring, k), "log");
        }
        ring.settle(at(5), seen);
        assert_eq!(found(&mut ring, 5), "log", "that read may be older than the interruption");
        let seen = ring.turn();
        ring.settle(at(6), seen);
        assert_eq!(found(&mut ring, 6), "head");
    }

    #[test]
    fn a_run_is_bounded_in_bytes_but_never_empty() {
        let limit = RingLimit { events: 9, bytes: 100, run_bytes: 5 };
        let mut ring = Ring::new(limit);
        (1..=6).for_each(|k| push(&mut ring, k));
        assert_eq!(found(&mut ring, 1), "2;3;");
        let large = Frame {
            position: at(7),
            whole: Bytes::from(vec![b'x'; 500]),
            id_bytes: 0,
            accepted: None,
        };
        ring.push(at(6), large);
        assert_eq!(found(&mut ring, 6).len(), 500);
        assert_eq!(found(&mut ring, 5), "log");
    }
}
