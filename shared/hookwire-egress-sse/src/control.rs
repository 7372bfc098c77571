use bytes::Bytes;
use hookwire_event::Topic;
use hookwire_log::Gap;
use serde_json::{Map, Value, json};

use crate::closing::Closing;

/// A frame without an event: keeps proxies from taking a quiet stream for a dead one.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// The same as a chunk of HTTP/1.1.
pub(crate) const HEARTBEAT_CHUNK: &[u8] = b"3\r\n:\n\n\r\n";

/// Sets when the browser comes back after a cut.
pub(crate) fn retry(retry_ms: u64) -> String {
    format!("retry: {retry_ms}\n\n")
}

/// Sets the cursor without an event, so that a stream that dies before its first event resumes correctly.
pub(crate) fn priming(cursor: &str) -> Bytes {
    format!("id: {cursor}\n\n").into()
}

/// Tells of a gap; the id makes a resume go on behind it instead of telling it again.
pub(crate) fn gap(cursor: &str, topic: &Topic, gap: &Gap, requested: Option<&str>) -> Bytes {
    let mut data = gap_members(gap);
    data.insert("topic".into(), json!(topic.name()));
    data.insert("requested".into(), json!(requested));
    format!("id: {cursor}\n{}", control("gap", &Value::Object(data))).into()
}

/// What a gap is, wherever it is told.
pub(crate) fn gap_members(gap: &Gap) -> Map<String, Value> {
    [
        ("reason".to_owned(), json!(gap.reason.as_str())),
        ("missed".to_owned(), json!(gap.missed)),
        ("certain".to_owned(), json!(gap.certain)),
        ("resumed_at".to_owned(), json!(gap.resumed_at.to_string())),
    ]
    .into_iter()
    .collect()
}

/// Tells that delivery may be late.
pub(crate) fn degraded() -> Bytes {
    control("degraded", &json!({})).into()
}

/// Tells that delivery is on time again.
pub(crate) fn recovered() -> Bytes {
    control("recovered", &json!({})).into()
}

/// Tells why the stream ends, and when to come back. It names the cursor once more: some clients only heed an id that
/// comes with data, and would otherwise come back without the one that the stream began with.
pub(crate) fn closing(reason: Closing, retry_ms: u64, cursor: Option<&str>) -> Bytes {
    let data = json!({ "reason": reason.as_str() });
    let id = cursor.map(|cursor| format!("id: {cursor}\n")).unwrap_or_default();
    format!("{}{id}{}", retry(retry_ms), control("closing", &data)).into()
}

fn control(name: &str, data: &Value) -> String {
    format!("event: hookwire.{name}\ndata: {data}\n\n")
}
