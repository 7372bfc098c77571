use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Body;
use hookwire_event::{Data, Event, EventId, EventTime, EventType, Payload, SourceUri, Topic};
use hookwire_http::Peer;
use http::Request;
use serde_json::json;

/// The topic of everything.
pub const TOPIC: &str = "bench";

/// Data of 200 bytes.
fn data() -> String {
    format!(r#"{{"data":"{}"}}"#, "x".repeat(189))
}

/// An event as a publish makes it.
pub fn event(number: usize) -> anyhow::Result<Event> {
    Ok(Event {
        id: EventId::parse(&format!("bench-{number:010}"))?,
        source: SourceUri::parse("/api")?,
        topic: Topic::parse(TOPIC)?,
        event_type: EventType::parse("bench")?,
        time: EventTime::from_unix_ms(1_795_325_155_950),
        data: Data {
            payload: Payload::json(data().as_bytes())?,
            content_type: Some("application/json".into()),
        },
        key: None,
        extensions: Vec::new(),
    })
}

/// A publish as a client sends it.
pub fn publish() -> anyhow::Result<Request<Body>> {
    post(&format!("/topics/{TOPIC}/events?type=bench"), None, data())
}

/// A push of Pub/Sub with 200 bytes in base64.
pub fn push(number: usize, token: Option<&str>) -> anyhow::Result<Request<Body>> {
    let push = json!({
        "message": {
            "data": "eHh4".repeat(50),
            "messageId": format!("bench-{number:010}"),
            "publishTime": "2021-02-26T19:13:55.749Z",
        },
        "subscription": "projects/bench/subscriptions/bench",
    });
    post("/webhooks/pubsub", token, push.to_string())
}

/// A stream's request, as an `EventSource` sends it.
pub fn follow(cursor: Option<&str>, token: Option<&str>) -> anyhow::Result<Request<Body>> {
    let request = Request::get(format!("/events?topic={TOPIC}"))
        .header("host", "127.0.0.1")
        .header("accept", "text/event-stream");
    let request = cursor.into_iter().fold(request, |r, cursor| r.header("last-event-id", cursor));
    whole(bearing(request, token), Body::empty())
}

fn post(path: &str, token: Option<&str>, body: String) -> anyhow::Result<Request<Body>> {
    let request = Request::post(path)
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("content-length", body.len());
    whole(bearing(request, token), Body::from(body))
}

fn bearing(request: http::request::Builder, token: Option<&str>) -> http::request::Builder {
    let bearer = token.map(|token| format!("Bearer {token}"));
    bearer.into_iter().fold(request, |request, bearer| request.header("authorization", bearer))
}

/// A request with what the listener would add.
fn whole(request: http::request::Builder, body: Body) -> anyhow::Result<Request<Body>> {
    let peer = Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000)));
    Ok(request.extension(peer).body(body)?)
}
