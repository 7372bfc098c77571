use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use hookwire_event::{Event, TraceContext};
use http::StatusCode;

use crate::tracer::On;

/// Something that takes its time and is recorded when it is dropped; or nothing, in a trace that is not recorded.
///
/// It never holds a payload, a token, an address or a topic's name.
#[derive(Debug, Default)]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    on: Arc<On>,
    ended: Ended,
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What happened.
    pub name: &'static str,
    /// On which side of what.
    pub kind: Kind,
    /// Its trace, and the span itself.
    pub context: TraceContext,
    /// The span that it is part of.
    pub parent: Option<u64>,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// What is known of it, by name.
    pub attributes: Vec<(&'static str, Value)>,
    /// Why it failed, if it did.
    pub failure: Option<&'static str>,
}

/// On which side of what a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Answers a request.
    Server,
    /// Asks another server and waits for its answer.
    Client,
    /// Hands something on that is worked on later.
    Producer,
    /// Works on what was handed on.
    Consumer,
}

/// What is known of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
}

impl Span {
    pub(crate) fn begin(
        on: Arc<On>,
        name: &'static str,
        kind: Kind,
        context: TraceContext,
        parent: Option<u64>,
        start: SystemTime,
    ) -> Self {
        let (attributes, failure) = (Vec::with_capacity(8), None);
        let ended = Ended { name, kind, context, parent, start, end: start, attributes, failure };
        Self(Some(Box::new(Open { on, ended })))
    }

    /// Its place in its trace; nothing when it is not recorded.
    #[must_use]
    pub fn context(&self) -> Option<&TraceContext> {
        self.0.as_ref().map(|open| &open.ended.context)
    }

    /// A part of it.
    #[must_use]
    pub fn child(&self, name: &'static str, kind: Kind) -> Self {
        let Some(open) = &self.0 else { return Self::default() };
        let (on, parent) = (&open.on, &open.ended.context);
        match parent.child(fastrand::u64(1..), true) {
            Some(context) => {
                let (on, parent) = (Arc::clone(on), Some(parent.span_id()));
                Self::begin(on, name, kind, context, parent, SystemTime::now())
            }
            None => Self::default(),
        }
    }

    /// Says what is known of it.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.0 {
            open.ended.attributes.push((name, value.into()));
        }
    }

    /// Says which event it is about.
    pub fn about(&mut self, event: &Event) {
        if self.0.is_some() {
            self.set("event.id", event.id.as_str());
            self.set("topic.hash", event.topic.hash());
            if let Some(tenant) = event.topic.tenant() {
                self.set("tenant", tenant);
            }
        }
    }

    /// Says how a POST on this route was answered. What is refused has not failed: it is as it should be.
    pub fn answered(&mut self, route: &str, status: StatusCode) {
        if self.0.is_some() {
            self.set("http.request.method", "POST");
            self.set("http.route", route);
            self.set("http.response.status_code", status.as_u16());
            self.set_failure(status.is_server_error().then_some("unavailable"));
        }
    }

    /// Says why it failed, in one word, or that it did not after all.
    pub fn set_failure(&mut self, why: Option<&'static str>) {
        if let Some(open) = &mut self.0 {
            open.ended.failure = why;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            let Open { on, mut ended } = *open;
            // Clocks are set back at times.
            ended.end = SystemTime::now().max(ended.start);
            on.take(ended);
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned().into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}
