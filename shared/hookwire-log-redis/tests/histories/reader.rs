use std::collections::HashSet;

use hookwire_event::Position;
use hookwire_log::{Gap, GapReason, Page};

use crate::model::Model;

/// A client: a cursor, and what was delivered to it.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) cursor: Position,
    /// How many of everything written are at the cursor or before it.
    upto: usize,
    delivered: HashSet<usize>,
    /// Keys were lost or taken back since it was last at the tail: gaps may be larger than what was lost.
    pub(crate) disturbed: bool,
    tell_server_change: bool,
}

/// What a page brought.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) read: usize,
    pub(crate) gap: Option<GapReason>,
    pub(crate) at_tail: bool,
}

type Wrong = String;

impl Reader {
    pub(crate) fn new(cursor: Position, model: &Model, tell_server_change: bool) -> Self {
        let upto = model.upto(cursor).expect("a reader begins at a place of the log");
        let (delivered, disturbed) = (HashSet::new(), model.line.stateless);
        Self { cursor, upto, delivered, disturbed, tell_server_change }
    }

    /// Takes a page and tells what is wrong with it.
    pub(crate) fn take(&mut self, page: &Page, model: &mut Model) -> Result<Step, Wrong> {
        if let Some(gap) = page.gap {
            self.check_gap(gap, model)?;
            model.began(gap.resumed_at);
            self.cursor = gap.resumed_at;
            self.upto = model.upto(gap.resumed_at).ok_or("it resumes at no place of the log")?;
            if gap.reason == GapReason::Reset {
                self.delivered.clear();
            }
        } else if page.entries.is_empty() {
            self.check_tail(model)?;
            self.disturbed &= !self.tell_server_change;
        }
        for entry in &page.entries {
            let number = model.upto(entry.position).ok_or("an entry that was never appended")? - 1;
            let next = model.next(self.upto);
            if next != Some(number) {
                return Err(format!("{} is delivered, but {next:?} is next", entry.position));
            }
            if model.written[number].event != *entry.event {
                return Err(format!("{} is another event", entry.position));
            }
            if !self.delivered.insert(number) {
                return Err(format!("{} is delivered twice", entry.position));
            }
            // What the last page's gap told of lies before its cursor.
            let (lost, known) = model.lost(self.upto, number);
            if known > 0 || (lost > 0 && self.tell_server_change) {
                return Err(format!("nothing tells of {lost} lost before {}", entry.position));
            }
            let changed = entry.position.generation != self.cursor.generation;
            if changed && self.tell_server_change {
                return Err(format!("nothing tells of the change before {}", entry.position));
            }
            if entry.position.k > 1 && entry.previous != self.cursor {
                return Err(format!("{} says it follows {}", entry.position, entry.previous));
            }
            (self.cursor, self.upto) = (entry.position, number + 1);
        }
        let at_tail = page.gap.is_none() && page.entries.is_empty();
        let gap = page.gap.map(|gap| gap.reason);
        Ok(Step { read: page.entries.len(), gap, at_tail })
    }

    fn check_tail(&self, model: &Model) -> Result<(), Wrong> {
        let next = model.next(self.upto);
        let (_, known) = model.lost(self.upto, model.written.len());
        match next {
            Some(next) => Err(format!("{} is not delivered", model.written[next].position)),
            None if known > 0 => Err(format!("nothing tells of {known} lost up to the tail")),
            None if !model.is_known(self.cursor) => Err("the place is gone, untold".to_owned()),
            None => Ok(()),
        }
    }

    fn check_gap(&self, gap: Gap, model: &Model) -> Result<(), Wrong> {
        let Some(resumed) = model.upto(gap.resumed_at) else {
            return Err("it resumes at no place of the log".to_owned());
        };
        let skipped = model.next(self.upto).filter(|next| *next < resumed);
        if let Some(skipped) = skipped {
            return Err(format!("{} is passed over", model.written[skipped].position));
        }
        if gap.missed.is_some() && !gap.certain {
            return Err("a number is no guess".to_owned());
        }
        let next = model.next(resumed.max(self.upto));
        let (lost, known) = model.lost(self.upto, next.unwrap_or(model.written.len()));
        let (_, told) = model.lost(self.upto, resumed);
        if gap.certain && told == 0 {
            return Err("nothing was missed".to_owned());
        }
        if gap.missed.is_some_and(|missed| missed == 0 || missed != told as u64) {
            return Err(format!("{told} were missed"));
        }
        let intact = known == 0 && model.is_known(self.cursor) && !self.disturbed;
        let changed = gap.resumed_at.generation != self.cursor.generation;
        let server_changed = gap.reason == GapReason::ServerChanged;
        if server_changed && !self.tell_server_change {
            return Err("a change of the server is not to be told".to_owned());
        }
        if server_changed && (known > 0 || !changed || gap.certain) {
            return Err(format!("more than a change: {known} are lost"));
        }
        if intact && !changed && lost == 0 {
            return Err("nothing is missing".to_owned());
        }
        if intact && changed && !server_changed {
            return Err("nothing but the server changed".to_owned());
        }
        Ok(())
    }
}
