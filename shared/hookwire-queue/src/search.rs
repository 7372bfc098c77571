use std::collections::{HashMap, HashSet};

use hookwire_event::{Event, EventId, Position, SourceUri, Topic};
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
            let in_generation = |entry: &Entry| entry.position.generation == position.generation;
            if !page.entries.iter().any(in_generation) {
                found.nothing_from = Some(position);
            }
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
    /// The log has nothing of this generation from here on.
    nothing_from: Option<Position>,
}

impl Found {
    fn add(&mut self, entries: &[Entry]) {
        self.ids.extend(entries.iter().map(|entry| (entry.position, entry.event.id.clone())));
    }

    fn settles(&self, position: Position) -> bool {
        let nothing =
            |from: Position| from.generation == position.generation && position.k >= from.k;
        let is_absent = self.nothing_from.is_some_and(nothing);
        is_absent || self.ids.contains_key(&position) || self.is_trimmed(position)
    }

    fn is_trimmed(&self, position: Position) -> bool {
        let within = |to: Position| to.generation == position.generation && position.k <= to.k;
        self.trimmed_to.is_some_and(within)
    }

    fn holds(&self, position: Position, id: &EventId) -> bool {
        self.is_trimmed(position) || self.ids.get(&position) == Some(id)
    }
}

/// Where the log holds these events, among those that were appended from `since_ms` until now.
///
/// For events whose place is not known and whose marks may be too old to tell.
pub(crate) async fn find(
    log: &dyn Log,
    topic: &Topic,
    events: &[&Event],
    since_ms: u64,
) -> Result<HashMap<Identity, Position>, ReadError> {
    let wanted: HashSet<_> = events.iter().map(|event| identity(event)).collect();
    // The log's clock is not that of whoever asked it.
    let start = Start::Since(since_ms.saturating_sub(60_000));
    let mut after = log.locate(topic, start).await?;
    let tail = log.locate(topic, Start::Tail).await?;
    let mut found = HashMap::new();
    while after != tail {
        let page = log.read_after(topic, after, PageLimit::BACKFILL).await?;
        let places = page.entries.iter().map(|entry| (identity(&entry.event), entry.position));
        found.extend(places.filter(|(event, _)| wanted.contains(event)));
        after = match (page.entries.last(), page.gap) {
            // What comes behind the tail was appended since.
            _ if page.entries.iter().any(|entry| entry.position == tail) => break,
            (Some(last), _) => last.position,
            (None, Some(gap)) => gap.resumed_at,
            (None, None) => break,
        };
    }
    Ok(found)
}

/// What makes an event the same as another one of its topic.
pub(crate) type Identity = (EventId, SourceUri);

pub(crate) fn identity(event: &Event) -> Identity {
    (event.id.clone(), event.source.clone())
}
