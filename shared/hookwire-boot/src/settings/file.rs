//! The configuration file, reduced to texts and the lines they stand on.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistake;

/// A parsed file; without entries and with mistakes when it cannot be read or parsed.
pub(super) struct File {
    pub(super) name: String,
    pub(super) entries: Entries,
    pub(super) mistakes: Vec<Mistake>,
}

pub(super) type Entries = BTreeMap<String, Entry>;

/// One value of the file.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) line: usize,
    /// As the user wrote it, short enough to show.
    pub(super) written: String,
    pub(super) value: Value,
}

/// The shape of a value, and its text.
#[derive(Clone)]
pub(super) enum Value {
    One(String),
    Many(Vec<Entry>),
    Table(Entries),
    /// Only in variables: TOML is UTF-8.
    NotUtf8,
}

impl File {
    /// Reads `path`, which the user named by `key`.
    pub(super) fn read(key: &str, path: &Path) -> Self {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => {
                Self::missing(key, name, format!("expects a TOML file that can be read: {error}"))
            }
        }
    }

    /// One that the user named by `key` and that could not be had; `right` says what would be.
    pub(super) fn missing(key: &str, name: String, right: String) -> Self {
        let value = Some(name.clone());
        let mistake = Mistake { key: key.to_owned(), place: None, value, right };
        Self { name, entries: Entries::new(), mistakes: vec![mistake] }
    }

    pub(super) fn parse(name: &str, text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mistakes: Vec<Mistake> =
            errors.iter().map(|error| syntax_mistake(name, text, error)).collect();
        // What the parser recovers from a broken file is a guess: judging it would add mistakes nobody made.
        let entries =
            if mistakes.is_empty() { entries(text, table.get_ref()) } else { Entries::new() };
        Self { name: name.to_owned(), entries, mistakes }
    }

    pub(super) fn place(&self, line: usize) -> String {
        format!("{} line {line}", self.name)
    }

    /// Whether there is no telling what the user meant to set.
    pub(super) fn is_broken(&self) -> bool {
        !self.mistakes.is_empty()
    }
}

fn entries(text: &str, table: &DeTable<'_>) -> Entries {
    table
        .iter()
        .map(|(key, value)| {
            let line = line(text, key.span().start);
            (key.get_ref().to_string(), entry(text, line, value))
        })
        .collect()
}

fn entry(text: &str, line: usize, value: &Spanned<DeValue<'_>>) -> Entry {
    Entry {
        line,
        written: written(text, value.span()),
        value: match value.get_ref() {
            DeValue::String(text) => Value::One(text.to_string()),
            DeValue::Integer(integer) => {
                let decimal = i128::from_str_radix(integer.as_str(), integer.radix());
                Value::One(decimal.map_or_else(|_| integer.to_string(), |n| n.to_string()))
            }
            DeValue::Float(float) => Value::One(float.as_str().to_owned()),
            DeValue::Boolean(boolean) => Value::One(boolean.to_string()),
            DeValue::Datetime(datetime) => Value::One(datetime.to_string()),
            DeValue::Array(items) => {
                Value::Many(items.iter().map(|item| element(text, item)).collect())
            }
            DeValue::Table(table) => Value::Table(entries(text, table)),
        },
    }
}

fn element(text: &str, item: &Spanned<DeValue<'_>>) -> Entry {
    entry(text, line(text, item.span().start), item)
}

/// Names the place but never shows the line: it may hold a secret.
fn syntax_mistake(name: &str, text: &str, error: &toml::de::Error) -> Mistake {
    let place = error.span().map(|span| {
        let column = text
            .get(..span.start)
            .and_then(|before| before.rsplit('\n').next())
            .map_or(1, |before| before.chars().count() + 1);
        format!("line {}, column {column}", line(text, span.start))
    });
    Mistake {
        key: name.to_owned(),
        place,
        value: None,
        right: format!("is not valid TOML: {}", error.message()),
    }
}

/// The line of a byte offset, counted from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before.filter(|byte| *byte == b'\n').count() + 1
}

fn written(text: &str, span: Range<usize>) -> String {
    let first_line = text.get(span).and_then(|value| value.lines().next());
    shortened(first_line.unwrap_or_default())
}

/// Cut to what a terminal shows in one line, without user and password where it is an address.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    // Before the cut, or what stands before the `@` would not be known for a password.
    let hidden = text.split_once("://").and_then(|(scheme, rest)| {
        let (_credentials, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}://…@{host}"))
    });
    let text = hidden.as_deref().unwrap_or(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
