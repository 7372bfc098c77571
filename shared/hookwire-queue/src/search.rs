use std::collections::HashMap;

use hookwire_event::{Event, EventId, Position, Topic};
use hookwire_log::{Entry, GapReason, Log, PageLimit, ReadError, Start};

/// Whether each of these events is at its position in the log, or was and has been trimmed, in their order.
///
/// One read finds neighbours too, and mirrored events of a topic are neighbours mostly.
pub(crate) async fn holds(
    log: &dyn Log,
    topic: &Topic,
    events: &[(Position, EventId)],
) -> Result<Vec<bool>, ReadError> {
    let mut wanted: Vec<_> = events.iter().map(|(position, _)| *position).collect();
    wanted.sort_unstable();
    let mut found = Found::default();
    for position in wanted {
        if !found.settles(position) {
            let limit = PageLimit { events: events.len(), ..PageLimit::BACKFILL };
            let page = log.read_after(topic, position.previous(), limit).await?;
            found.add(&page.entries);
            if let Some(gap) = page.gap.filter(|gap| gap.reason == GapReason::Trimmed) {
                found.trimmed_to = Some(gap.resumed_at);
            }
        }
    }
    Ok(events.iter().map(|(position, id)| found.holds(*position, id)).collect())
}

/// What reading has shown.
#[derive(Default)]
struct Found {
    ids: HashMap<Position, EventId>,
    /// Everything of this generation up to here has been in the log.
    trimmed_to: Option<Position>,
}

impl Found {
    fn add(&mut self, entries: &[Entry]) {
        self.ids.extend(entries.iter().map(|entry| (entry.position, entry.event.id.clone())));
    }

    fn settles(&self, position: Position) -> bool {
        self.ids.contains_key(&position) || self.is_trimmed(position)
    }

    fn is_trimmed(&self, position: Position) -> bool {
        let within = |to: Position| to.generation == position.generation && position.k <= to.k;
        self.trimmed_to.is_some_and(within)
    }

    fn holds(&self, position: Position, id: &EventId) -> bool {
        self.is_trimmed(position) || self.ids.get(&position) == Some(id)
    }
}

/// How many entries are looked at for an event whose position is not known.
const SEARCHED: usize = 10_000;

/// Whether the log holds this event among those that were appended from `since_ms` on.
///
/// For an append that was not answered, whose mark is too old to tell.
pub(crate) async fn holds_id(
    log: &dyn Log,
    event: &Event,
    since_ms: u64,
) -> Result<bool, ReadError> {
    // The log's clock is not that of whoever asked it.
    let start = Start::Since(since_ms.saturating_sub(60_000));
    let mut after = log.locate(&event.topic, start).await?;
    let mut searched = 0;
    while searched < SEARCHED {
        let page = log.read_after(&event.topic, after, PageLimit::BACKFILL).await?;
        let is_it =
            |entry: &Entry| entry.event.id == event.id && entry.event.source == event.source;
        if page.entries.iter().any(is_it) {
            return Ok(true);
        }
        after = match (page.entries.last(), page.gap) {
            (Some(last), _) => last.position,
            (None, Some(gap)) => gap.resumed_at,
            (None, None) => return Ok(false),
        };
        searched += page.entries.len().max(1);
    }
    Ok(false)
}
