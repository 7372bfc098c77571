use std::collections::BTreeMap;
use std::fmt;

use hookwire_telemetry::{INCIDENTS, Incident};
use sentry::Level;
use sentry::protocol::Breadcrumb;
use serde_json::Value;
use tracing::Event;
use tracing::field::{Field, Visit};

/// What was logged, as far as it may be told outside.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) target: String,
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) incident: Option<&'static Incident>,
    /// Whether the incident is over.
    pub(super) is_over: bool,
    pub(super) fields: BTreeMap<&'static str, Value>,
}

/// The fields that are told. Any other one is for the log alone: nobody has judged whether it may leave the house.
const TOLD: [&str; 32] = [
    "buried",
    "calls_spared",
    "cause",
    "connections",
    "do",
    "dropped",
    "duration_ms",
    "error",
    "event.id",
    "events",
    "failures",
    "fault",
    "jwks.location",
    "keys",
    "messages",
    "missed",
    "notifications",
    "open",
    "panic.location",
    "panic.message",
    "queue",
    "queued",
    "reason",
    "refused",
    "server",
    "signal",
    "source",
    "thread",
    "times",
    "topic.hash",
    "topics",
    "what",
];

impl Line {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut line = Self {
            target: metadata.target().to_owned(),
            level: match *metadata.level() {
                tracing::Level::ERROR => Level::Error,
                tracing::Level::WARN => Level::Warning,
                _ => Level::Info,
            },
            ..Self::default()
        };
        event.record(&mut line);
        line
    }

    /// Whether it is an event of its own.
    ///
    /// Lambda's runtime has an error for each client that leaves, and a second one for each panic; what is broken about them
    /// we tell ourselves.
    pub(super) fn is_told(&self) -> bool {
        let is_error = self.level == Level::Error && !self.target.starts_with("lambda_runtime");
        self.incident.is_some() || is_error
    }

    /// Whether it comes along with the next event. Who was refused says nothing about what broke, and there are many.
    pub(super) fn is_worth_a_breadcrumb(&self, function: &str) -> bool {
        self.is_ours(function) && self.target != "hookwire::audit"
    }

    /// Whether we wrote it, and so know what is in its message.
    pub(super) fn is_ours(&self, function: &str) -> bool {
        self.target.starts_with("hookwire") || self.target.split("::").next() == Some(function)
    }

    pub(super) fn breadcrumb(self) -> Breadcrumb {
        Breadcrumb {
            category: Some(self.target),
            level: self.level,
            message: Some(self.message),
            data: self.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..Breadcrumb::default()
        }
    }

    fn note(&mut self, field: &Field, value: Value) {
        if let Some(name) = TOLD.iter().find(|told| **told == field.name()) {
            self.fields.insert(name, value);
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "incident" => self.incident = INCIDENTS.iter().find(|incident| incident.id == value),
            "message" => value.clone_into(&mut self.message),
            _ => self.note(field, value.into()),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "resolved" => self.is_over = value,
            _ => self.note(field, value.into()),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.note(field, value.to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
