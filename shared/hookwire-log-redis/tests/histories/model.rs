use std::collections::{HashMap, HashSet};

use hookwire_event::{Event, Position};
use hookwire_log::Retention;

use crate::servers::Raw;

/// The true history: everything that was ever appended, in order, and what became of it.
pub(crate) struct Model {
    pub(crate) retention: Retention,
    pub(crate) written: Vec<Written>,
    at: HashMap<Position, usize>,
    pub(crate) line: Line,
    /// What a failover to a stale copy lost: no server can know that it was there.
    pub(crate) rolled_back: HashSet<usize>,
    /// Numbers of the entries that the log has and that can be read, in its order.
    pub(crate) live: Vec<usize>,
    in_log: HashSet<usize>,
    /// When the last entry of the log says that it was appended.
    last_ms: u64,
}

/// One append.
pub(crate) struct Written {
    pub(crate) position: Position,
    pub(crate) event: Event,
    record: Vec<u8>,
    at_ms: u64,
}

/// What the servers can know: a stale copy takes it back to an earlier one.
#[derive(Clone, Default)]
pub(crate) struct Line {
    entries: Vec<usize>,
    marks: HashMap<String, Mark>,
    /// When it was last appended to; nothing when there is no state.
    at_ms: Option<u64>,
    latest_ms: u64,
    generations: HashSet<u64>,
    /// What went otherwise than by retention.
    gone: HashSet<usize>,
    /// The state was lost: where it began anew, the log does not say what stood before.
    pub(crate) stateless: bool,
    /// The last append, if the next one continues its generation.
    pub(crate) continues: Option<Position>,
}

#[derive(Clone, Copy)]
struct Mark {
    position: Position,
    at_ms: u64,
    /// The clock or the state was lost since: it may be forgotten too early.
    uncertain: bool,
}

/// What an append must answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    New,
    Duplicate(Position),
    Either(Position),
}

impl Model {
    pub(crate) fn new(retention: Retention) -> Self {
        Self {
            retention,
            written: Vec::new(),
            at: HashMap::new(),
            line: Line::default(),
            rolled_back: HashSet::new(),
            live: Vec::new(),
            in_log: HashSet::new(),
            last_ms: 0,
        }
    }

    /// The time of a call, as it must be taken: never before the last append.
    fn now(&self, clock_ms: u64) -> u64 {
        clock_ms.max(self.line.at_ms.unwrap_or(self.last_ms))
    }

    /// Notes a call that brings the state up to date.
    pub(crate) fn looked(&mut self, clock_ms: u64) {
        let now = self.now(clock_ms);
        self.line.at_ms.get_or_insert(now);
        self.line.latest_ms = self.line.latest_ms.max(now);
    }

    pub(crate) fn expected(&self, id: &str, clock_ms: u64) -> Expected {
        let window = u64::try_from(self.retention.dedupe_window.as_millis()).unwrap();
        let oldest = self.now(clock_ms).saturating_sub(window);
        match self.line.marks.get(id) {
            Some(mark) if mark.at_ms < oldest => Expected::New,
            Some(mark) if mark.uncertain => Expected::Either(mark.position),
            Some(mark) => Expected::Duplicate(mark.position),
            None => Expected::New,
        }
    }

    /// Notes an append and tells what is wrong with its place.
    pub(crate) fn appended(
        &mut self,
        event: Event,
        position: Position,
        clock_ms: u64,
    ) -> Result<(), String> {
        let next = match self.line.continues {
            Some(last) => position == last.next(),
            None => position.k == 1,
        };
        let before = self.line.continues;
        if !next {
            return Err(format!("{position} does not follow {before:?}"));
        }
        let number = self.written.len();
        if let Some(other) = self.at.insert(position, number) {
            return Err(format!("{position} is that of event {other} too"));
        }
        self.looked(clock_ms);
        let at_ms = self.now(clock_ms);
        let line = &mut self.line;
        line.at_ms = Some(at_ms);
        line.generations.insert(position.generation);
        line.continues = Some(position);
        line.entries.push(number);
        let mark = Mark { position, at_ms, uncertain: false };
        line.marks.insert(event.id.as_str().to_owned(), mark);
        let record = hookwire_event::encode_record(&event);
        self.written.push(Written { position, event, record, at_ms });
        Ok(())
    }

    /// Takes in what the log really holds, and tells what is wrong with it.
    pub(crate) fn found(&mut self, raw: &[Raw]) -> Result<(), String> {
        self.live.clear();
        self.in_log.clear();
        self.last_ms = raw.last().map_or(0, |(_, fields)| {
            let time = fields.chunks_exact(2).find(|pair| pair[0] == b"t");
            time.map_or(0, |pair| std::str::from_utf8(&pair[1]).unwrap().parse().unwrap())
        });
        for (id, fields) in raw {
            let position = id.parse().unwrap();
            let Some(&number) = self.at.get(&position) else {
                return Err(format!("{position} was never answered"));
            };
            self.in_log.insert(number);
            let record = fields.chunks_exact(2).find(|pair| pair[0] == b"r").map(|pair| &pair[1]);
            if record == Some(&self.written[number].record) {
                self.live.push(number);
            }
        }
        if !self.live.is_sorted() {
            return Err("the log is not in the order of its appends".to_owned());
        }
        self.check_retention()
    }

    fn check_retention(&self) -> Result<(), String> {
        let age_ms = u64::try_from(self.retention.age.as_millis()).unwrap();
        let (mut events, mut bytes) = (0, 0);
        for &number in self.line.entries.iter().rev() {
            let one = &self.written[number];
            (events, bytes) = (events + 1, bytes + one.record.len() as u64);
            let may_go = events > self.retention.events
                || bytes > self.retention.bytes
                || self.line.latest_ms - one.at_ms > age_ms;
            if !may_go && !self.line.gone.contains(&number) && !self.in_log.contains(&number) {
                return Err(format!("{} went too early", one.position));
            }
        }
        Ok(())
    }

    /// What must be true right after an append.
    pub(crate) fn check_bounds(&self) -> Result<(), String> {
        let kept = self.in_log.iter().map(|number| &self.written[*number]);
        let bytes: usize = kept.clone().map(|one| one.record.len()).sum();
        let age_ms = u64::try_from(self.retention.age.as_millis()).unwrap();
        let now = self.line.at_ms.unwrap_or(0);
        let whole = self.live.len() == self.in_log.len();
        if self.in_log.len() as u64 > self.retention.events {
            return Err("too many entries are kept".to_owned());
        }
        // A damaged entry does not say how old and large it is, and a lost state may have been taken from it.
        if whole && !self.line.stateless && bytes as u64 > self.retention.bytes {
            return Err("too many bytes are kept".to_owned());
        }
        // Unless a clock went back while the state and the last entry's time were gone.
        let in_order = self.line.entries.is_sorted_by_key(|number| self.written[*number].at_ms);
        if whole && in_order && kept.clone().any(|one| now.saturating_sub(one.at_ms) > age_ms) {
            return Err("an entry is kept for too long".to_owned());
        }
        Ok(())
    }

    /// How many of everything written are at this place or before it.
    pub(crate) fn upto(&self, position: Position) -> Option<usize> {
        if let Some(number) = self.at.get(&position) {
            return Some(number + 1);
        }
        let first = self.at.get(&Position::new(position.generation, 1));
        (position.k == 0).then(|| first.copied().unwrap_or(self.written.len()))
    }

    pub(crate) fn is_known(&self, position: Position) -> bool {
        match self.at.get(&position) {
            Some(number) => self.line.entries.contains(number),
            None => position.k == 0 && self.line.generations.contains(&position.generation),
        }
    }

    /// Notes a generation that has begun without an entry.
    pub(crate) fn began(&mut self, position: Position) {
        self.line.generations.insert(position.generation);
    }

    /// The first that can be read of everything but so many.
    pub(crate) fn next(&self, upto: usize) -> Option<usize> {
        self.live.get(self.live.partition_point(|live| *live < upto)).copied()
    }

    /// What was written at or after `from` and before `to` and is not there: all of it, and what the servers can know of.
    pub(crate) fn lost(&self, from: usize, to: usize) -> (usize, usize) {
        let lost: Vec<_> =
            (from..to).filter(|number| self.live.binary_search(number).is_err()).collect();
        let known = lost.iter().filter(|number| !self.rolled_back.contains(*number)).count();
        (lost.len(), known)
    }

    /// Goes back to what a stale copy knows.
    pub(crate) fn roll_back(&mut self, line: &Line) {
        self.line = line.clone();
        self.line.continues = None;
        let kept: HashSet<_> = self.line.entries.iter().collect();
        self.rolled_back = (0..self.written.len()).filter(|one| !kept.contains(one)).collect();
    }

    pub(crate) fn flush(&mut self) {
        // Known to be gone, if only by those who have seen it.
        self.line = Line { latest_ms: self.line.latest_ms, ..Line::default() };
    }

    pub(crate) fn lose_state(&mut self) {
        self.line.at_ms = None;
        self.line.stateless = true;
        self.line.continues = None;
        self.line.marks.values_mut().for_each(|mark| mark.uncertain = true);
    }

    pub(crate) fn lose_log(&mut self) {
        self.line.gone.extend(&self.line.entries);
    }

    pub(crate) fn lose(&mut self, position: Position) {
        self.line.gone.extend(self.at.get(&position));
    }
}
