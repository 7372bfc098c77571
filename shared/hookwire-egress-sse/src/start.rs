use hookwire_event::{EventTime, Topic};
use hookwire_http::Problem;
use hookwire_hub::Place;
use hookwire_log::{Clock, Start};
use http::HeaderMap;

use crate::bad_request;
use crate::cursor::{Claim, Cursor};

/// What a stream is asked for: topics, and where to begin in them.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) topics: Vec<Topic>,
    pub(crate) begin: Begin,
}

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Behind this cursor.
    After(String),
    /// Behind the cursor that this client left, or live if it left none.
    AfterLeftBy(String),
    /// There, in every topic.
    At(Start),
}

/// Topics, and where to begin in each.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) places: Vec<(Topic, Place)>,
    /// The cursor as the client gave it.
    pub(crate) requested: Option<String>,
}

/// Most topics of one stream: what the cursor is bounded by.
const MAX_TOPICS: usize = 32;

/// Spellings of the start cursor that clients without headers use.
const SPELLINGS: [&str; 4] = ["lastEventId", "last_event_id", "lastEventID", "last-event-id"];

impl Request {
    pub(crate) fn parse(query: &str, headers: &HeaderMap) -> Result<Self, Problem> {
        let query: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let topics = topics(&query)?;
        let value = |name: &str| {
            query
                .iter()
                .find(|(key, value)| key == name && !value.is_empty())
                .map(|(_, value)| value)
        };
        let header = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()));
        let cursor = header
            .map(String::from)
            .filter(|id| !id.is_empty())
            .or_else(|| SPELLINGS.iter().find_map(|name| value(name)).cloned());
        let begin = if let Some(cursor) = cursor {
            Begin::After(cursor)
        } else if query.iter().any(|(name, value)| name == "earliest" && value != "false") {
            Begin::At(Start::Earliest)
        } else if let Some(n) = value("last_n") {
            let n = n.parse().map_err(|_digits| bad_request("bad-start", LAST_N))?;
            Begin::At(Start::Last(n))
        } else if let Some(since) = value("since") {
            let since = since_ms(since).ok_or_else(|| bad_request("bad-start", SINCE))?;
            Begin::At(Start::Since(since))
        } else if let Some(client) = value("client") {
            Begin::AfterLeftBy(client.clone())
        } else {
            Begin::At(Start::Tail)
        };
        Ok(Self { topics, begin })
    }
}

impl Places {
    /// The same place in every topic.
    pub(crate) fn at(topics: Vec<Topic>, start: Start) -> Self {
        let places = topics.into_iter().map(|topic| (topic, Place::Start(start))).collect();
        Self { places, requested: None }
    }

    /// Behind a cursor, as far as it is one of these topics.
    pub(crate) fn after(topics: Vec<Topic>, cursor: &str) -> Self {
        if cursor == "earliest" {
            return Self::at(topics, Start::Earliest);
        }
        let places = Cursor::claims(cursor, &topics).into_iter().map(|claim| match claim {
            Claim::At(position) => Place::Claimed(position),
            Claim::Absent => Place::Start(Start::Tail),
            Claim::Unreadable => Place::Unreadable,
        });
        let places = topics.iter().cloned().zip(places).collect();
        Self { places, requested: Some(cursor.to_owned()) }
    }
}

const LAST_N: &str = "last_n is a whole number, such as last_n=20";
const SINCE: &str = "since is a time span such as 30s, 10m, 2h or 1d, or an RFC 3339 time";

fn topics(query: &[(String, String)]) -> Result<Vec<Topic>, Problem> {
    let mut topics = Vec::new();
    for (_, name) in query.iter().filter(|(key, _)| key == "topic") {
        let topic = Topic::parse(name).map_err(|invalid| bad_request("bad-topic", invalid))?;
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    match topics.len() {
        0 => Err(bad_request("no-topic", "name at least one topic: /events?topic=NAME")),
        1..=MAX_TOPICS => Ok(topics),
        _ => {
            let detail = format!("a stream follows at most {MAX_TOPICS} topics; open another one");
            Err(bad_request("too-many-topics", detail))
        }
    }
}

/// Reads a time span before now, or a time, as milliseconds since the Unix epoch.
fn since_ms(text: &str) -> Option<u64> {
    // In a query an offset's `+` that was not encoded is a space.
    if let Ok(unix_ms) = EventTime::unix_ms(&text.replace(' ', "+")) {
        return Some(unix_ms);
    }
    let unit_ms = match text.bytes().last()? {
        b's' => 1_000,
        b'm' => 60_000,
        b'h' => 3_600_000,
        b'd' => 86_400_000,
        _ => return None,
    };
    let digits = text.get(..text.len() - 1)?;
    let span_ms = digits.parse::<u32>().ok().map(|count| u64::from(count) * unit_ms)?;
    Some(Clock::system().now_ms().saturating_sub(span_ms))
}

#[cfg(test)]
mod tests {
    use hookwire_event::Position;

    use super::*;

    fn places(query: &str, header: Option<&'static str>) -> Result<Vec<Place>, &'static str> {
        let mut headers = HeaderMap::new();
        if let Some(id) = header {
            headers.insert("last-event-id", http::HeaderValue::from_static(id));
        }
        let request = Request::parse(query, &headers).map_err(|problem| problem.kind())?;
        let Places { places, .. } = match request.begin {
            Begin::After(cursor) => Places::after(request.topics, &cursor),
            Begin::AfterLeftBy(_) => Places::at(request.topics, Start::Tail),
            Begin::At(start) => Places::at(request.topics, start),
        };
        Ok(places.into_iter().map(|(_, place)| place).collect())
    }

    #[test]
    fn every_spelling_of_the_start_is_understood() {
        let at = Place::Claimed(Position::new(7, 3));
        for name in SPELLINGS {
            assert_eq!(places(&format!("topic=a&{name}=7-3"), None), Ok(vec![at]), "{name}");
        }
        assert_eq!(places("topic=a", Some("7-3")), Ok(vec![at]));
        assert_eq!(places("topic=a&lastEventId=7-3.evicted-65f0", None), Ok(vec![at]));
        assert_eq!(places("topic=a&lastEventId=7-9", Some("7-3")), Ok(vec![at]), "the header wins");
        assert_eq!(places("topic=a&lastEventId=7-3", Some("")), Ok(vec![at]), "empty is none");
        for (query, start) in [
            ("topic=a", Start::Tail),
            ("topic=a&earliest", Start::Earliest),
            ("topic=a&earliest=true", Start::Earliest),
            ("topic=a&earliest=false", Start::Tail),
            ("topic=a&lastEventId=earliest", Start::Earliest),
            ("topic=a&last_n=5", Start::Last(5)),
            ("topic=a&since=1970-01-01T00:00:01Z", Start::Since(1_000)),
            ("topic=a&since=1970-01-01T02:00:01+02:00", Start::Since(1_000)),
            ("topic=a&client=unheard", Start::Tail),
        ] {
            assert_eq!(places(query, None), Ok(vec![Place::Start(start)]), "{query}");
        }
        assert!(matches!(
            places("topic=a&since=10m", None).unwrap()[..],
            [Place::Start(Start::Since(_))]
        ));
    }

    #[test]
    fn a_garbage_cursor_is_no_error_but_a_place_of_its_own() {
        assert_eq!(places("topic=a&topic=b", Some("garbage")), Ok(vec![Place::Unreadable; 2]));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_reason() {
        let many = (0..33).map(|n| format!("topic=t{n}")).collect::<Vec<_>>().join("&");
        for (query, kind) in [
            ("", "no-topic"),
            ("topic=", "bad-topic"),
            ("topic=a%20b", "bad-topic"),
            ("topic=a&last_n=x", "bad-start"),
            ("topic=a&last_n=-1", "bad-start"),
            ("topic=a&since=soon", "bad-start"),
            ("topic=a&since=10w", "bad-start"),
            (&many, "too-many-topics"),
        ] {
            assert_eq!(places(query, None), Err(kind), "{query}");
        }
        assert_eq!(places("topic=a&topic=a", None).map(|places| places.len()), Ok(1));
    }
}
