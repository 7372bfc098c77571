use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use hookwire_telemetry::Urgency;
use sentry::Level;
use sentry::protocol::{Breadcrumb, Context, Event, Map, Values};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::line::Line;

/// One thing that is told: what began to be broken, or is so no more.
#[derive(Debug)]
pub(super) struct Report {
    /// What all of its kind have in common, and nothing of which there are many.
    pub(super) kind: String,
    /// For whom: one server, queue or source of those that the settings name.
    pub(super) whom: String,
    pub(super) is_over: bool,
    line: Line,
    function: &'static str,
}

/// Which fields say for whom it is broken.
const WHOM: [&str; 5] = ["server", "queue", "do", "source", "jwks.location"];
/// What events can be searched by.
const TAGS: [&str; 7] = ["server", "queue", "source", "fault", "do", "event.id", "topic.hash"];

impl Report {
    pub(super) fn of(line: Line, function: &'static str) -> Self {
        let kind = match line.incident {
            Some(incident) => incident.id.to_owned(),
            // Messages of ours are literals. What others put into theirs, they alone know.
            None if line.is_ours(function) => format!("{}: {}", line.target, line.message),
            None => line.target.clone(),
        };
        let whom: Vec<_> = WHOM.iter().filter_map(|name| text(line.fields.get(name)?)).collect();
        Self { kind, whom: whom.join(" "), is_over: line.is_over, line, function }
    }

    pub(super) fn event(
        self,
        now: SystemTime,
        since: SystemTime,
        suppressed: u64,
        breadcrumbs: Vec<Breadcrumb>,
        runbook: &str,
    ) -> Event<'static> {
        let Self { kind, is_over, line, function, .. } = self;
        let level = match (line.incident.map(|incident| incident.urgency), is_over) {
            (Some(_), true) => Level::Info,
            (Some(Urgency::Ticket), false) => Level::Warning,
            (Some(Urgency::Page) | None, _) => Level::Error,
        };
        let is_ours = line.is_ours(function);
        let title = match line.incident {
            Some(incident) if is_over => {
                let lasted = now.duration_since(since).unwrap_or_default();
                format!("{}: over after {}", incident.title, in_words(lasted))
            }
            Some(incident) => incident.title.to_owned(),
            None if is_ours => line.message.clone(),
            None => format!("{} reports an error", line.target),
        };
        let mut tags: Map<String, String> = Map::new();
        tags.insert("function".into(), function.into());
        let tagged = TAGS.iter().filter_map(|name| Some((*name, text(line.fields.get(name)?)?)));
        tags.extend(tagged.map(|(name, value)| (name.to_owned(), value)));
        let mut about: Map<String, Value> = Map::new();
        if is_ours {
            about.insert("said".into(), line.message.into());
        }
        about.extend(line.fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
        about.insert("since".into(), rfc3339(since).into());
        if suppressed > 0 {
            about.insert("suppressed".into(), suppressed.into());
        }
        if let Some(incident) = line.incident {
            tags.insert("incident".into(), incident.id.into());
            let state = if is_over { "over" } else { "broken" };
            tags.insert("state".into(), state.into());
            about.insert("runbook".into(), format!("{runbook}#{}", incident.id).into());
        }
        Event {
            level,
            message: Some(title),
            fingerprint: Cow::Owned(vec![kind.into()]),
            culprit: Some(line.target.clone()),
            logger: Some(line.target),
            timestamp: now,
            tags,
            contexts: [("trouble".to_owned(), Context::Other(about))].into(),
            breadcrumbs: Values { values: breadcrumbs },
            ..Event::default()
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn rfc3339(time: SystemTime) -> String {
    OffsetDateTime::from(time)
        .replace_nanosecond(0)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// `3 s`, `12 min`, `5 h`.
fn in_words(lasted: Duration) -> String {
    match lasted.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
