use std::fmt;

use hookwire_edges::Words;
use serde_json::{Value, json};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Ok,
    /// It works, and something is at risk.
    Warn,
    /// It does not work, or loses events.
    Bad,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// One thing that a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    about: &'static str,
    text: String,
    todo: Option<String>,
    incident: Option<&'static str>,
}

impl Finding {
    pub(crate) fn ok(about: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Ok, about, text: text.into(), todo: None, incident: None }
    }

    pub(crate) fn warn(
        about: &'static str,
        text: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warn, todo: Some(todo.into()), ..Self::ok(about, text) }
    }

    pub(crate) fn bad(
        about: &'static str,
        text: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self { level: Level::Bad, todo: Some(todo.into()), ..Self::ok(about, text) }
    }

    /// What a report advises, which says what is wrong, and behind the last semicolon what to do.
    pub(crate) fn advice(level: Level, about: &'static str, advice: &str) -> Self {
        let (text, todo) = match advice.rsplit_once("; ") {
            Some((text, todo)) => (text, Some(todo.to_owned())),
            None => (advice, None),
        };
        Self { level, todo, ..Self::ok(about, text) }
    }

    /// What `/readyz` says in the same words, with the cause, which it does not tell.
    pub(crate) fn words(about: &'static str, words: Words, cause: &str) -> Self {
        Self::bad(about, format!("{}: {cause}", words.reason), words.todo).of(words.incident)
    }

    /// The same, as one of this incident.
    pub(crate) fn of(self, incident: &'static str) -> Self {
        Self { incident: Some(incident), ..self }
    }

    pub(crate) fn json(&self) -> Value {
        let Self { about, text, todo, incident, .. } = self;
        let runbook = self.runbook();
        json!({
            "level": self.level.as_str(),
            "about": about,
            "text": text,
            "do": todo,
            "incident": incident,
            "runbook": runbook,
        })
    }

    fn runbook(&self) -> Option<String> {
        Some(format!("infra/runbook.md#{}", self.incident?))
    }
}

/// One line: what others say, such as a server, may have several.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = format!("{}: {}", self.about, self.text);
        if let Some(todo) = &self.todo {
            line.extend(["; ", todo]);
        }
        if let Some(runbook) = self.runbook() {
            line.extend([" (", &runbook, ")"]);
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        write!(f, "{:<4} {}", self.level.as_str(), words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_whatever_others_said() {
        let finding = Finding::words("redis", Words::REDIS_UNREACHABLE, "refused\nby the host");
        let line = finding.to_string();
        assert!(
            line.starts_with("bad  redis: Redis does not answer: refused by the host; see"),
            "{line}"
        );
        assert!(line.ends_with("(infra/runbook.md#redis-unreachable)"), "{line}");
        assert_eq!(Finding::ok("redis", "there").to_string(), "ok   redis: there");
    }

    #[test]
    fn advice_is_split_where_it_begins_to_say_what_to_do() {
        let finding = Finding::advice(Level::Warn, "queue", "it is old; and slow; mend it");
        assert_eq!(finding, Finding::warn("queue", "it is old; and slow", "mend it"));
    }
}
