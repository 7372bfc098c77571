//! One trace from a push to its delivery, however the event goes, and what it costs when nobody takes it.

mod collector;
mod lambda;
mod named;
mod whole;

use hookwire_tests::{Api, gmail_push};
use reqwest::RequestBuilder;

/// The trace that a sender began and records, and its own span in it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00f067aa0ba902b7";

/// How the sender names it.
fn traceparent() -> String {
    format!("00-{TRACE}-{SENDER}-01")
}

/// A push of a notification of `alice@example.com`, in this trace.
fn push(api: &Api, id: &str, traceparent: &str) -> RequestBuilder {
    let push = api.client.post(api.url("/webhooks/gmail")).header("traceparent", traceparent);
    push.header("tracestate", "vendor=secret").json(&gmail_push(id, "alice@example.com", 1))
}

const TOPIC: &str = "topic=gmail/alice@example.com";
