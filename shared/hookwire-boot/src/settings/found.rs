//! A value that is set, and how to point at it.

use super::file::{Entry, File, Value, shortened};
use super::mistakes::Mistake;
use super::reference::{Fetched, is_reference};
use super::{FromSetting, Key};

/// A value that is set, and how to point at it.
pub(super) struct Found {
    /// As the user wrote it: `HOOKWIRE_LISTEN`, `listen`, `sources[2].name`.
    key: String,
    /// Nothing for a variable.
    place: Option<String>,
    /// The value as the user wrote it, also if it is a secret.
    written: String,
    value: Value,
    kept: Kept,
}

/// Where a value is.
#[derive(Clone)]
enum Kept {
    /// Where it is set.
    Here,
    /// It was fetched from where the reference points that is set.
    Elsewhere,
    /// There is a reference and no value, for this reason.
    Nowhere(String),
}

/// Why there is no value when nobody has looked for it.
const NOT_FETCHED: &str =
    "is a reference to a secret, which is not fetched here; the secret itself would be right";

const EMPTY: &str = "stands for a secret that is empty; it must hold what is to be set";

impl Found {
    pub(super) fn in_variable(name: String, text: Option<&str>) -> Self {
        Self {
            key: name,
            place: None,
            written: format!("{:?}", shortened(text.unwrap_or_default())),
            value: text.map_or(Value::NotUtf8, |text| Value::One(text.to_owned())),
            kept: Kept::Here,
        }
    }

    pub(super) fn in_file(file: &File, key: String, entry: &Entry) -> Self {
        Self {
            key,
            place: Some(file.place(entry.line)),
            written: entry.written.clone(),
            value: entry.value.clone(),
            kept: Kept::Here,
        }
    }

    /// Takes what was fetched in the place of a reference. Only once: what was fetched is not looked at any more.
    pub(super) fn or_fetched(mut self, fetched: &Fetched) -> Self {
        let Value::One(text) = &self.value else { return self };
        if !is_reference(text) {
            return self;
        }
        // A reference is no secret, and whole it can be looked up.
        self.written = format!("{text:?}");
        self.kept = match fetched.get(text) {
            Some(Ok(secret)) if !secret.is_empty() => {
                self.value = Value::One(secret.clone());
                Kept::Elsewhere
            }
            // Not the same as no secret at all, which may open what it was to close.
            Some(Ok(_)) => Kept::Nowhere(EMPTY.to_owned()),
            Some(Err(reason)) => Kept::Nowhere(reason.clone()),
            None => Kept::Nowhere(NOT_FETCHED.to_owned()),
        };
        self
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self.kept, Kept::Nowhere(_))
    }

    /// Reads one value.
    pub(super) fn parse<T: FromSetting>(self, key: &Key) -> Result<T, Mistake> {
        if let Kept::Nowhere(reason) = &self.kept {
            let right = reason.clone();
            return Err(self.mistake(key, right));
        }
        let is_secret = key.secret || matches!(self.kept, Kept::Elsewhere);
        let reason = match &self.value {
            Value::One(text) => match T::from_text(text) {
                Ok(value) => return Ok(value),
                // The reason was written by whoever wrote `T`, and may repeat the text.
                Err(reason) if is_secret && reason.contains(text.as_str()) => String::new(),
                Err(reason) => reason,
            },
            Value::Many(_) => "this is a list".to_owned(),
            Value::Table(_) => "this is a table".to_owned(),
            Value::NotUtf8 => "this is not valid UTF-8".to_owned(),
        };
        let reason = match reason.as_str() {
            "" => reason,
            _ => format!(" ({reason})"),
        };
        let right = format!("expects {}{}{reason}", T::EXPECTS, such_as(key));
        Err(self.mistake(key, right))
    }

    /// The items of a list: an array's, or those between the commas of a text.
    pub(super) fn items(self, file: &File, fetched: &Fetched) -> Vec<Self> {
        match (&self.value, &self.kept) {
            (_, Kept::Nowhere(_)) => vec![self],
            (Value::One(text), Kept::Here | Kept::Elsewhere) => split(text)
                .map(|item| Self {
                    key: self.key.clone(),
                    place: self.place.clone(),
                    written: match self.kept {
                        Kept::Here => format!("{:?}", shortened(item)),
                        Kept::Elsewhere | Kept::Nowhere(_) => self.written.clone(),
                    },
                    value: Value::One(item.to_owned()),
                    kept: self.kept.clone(),
                })
                .collect(),
            (Value::Many(_) | Value::Table(_) | Value::NotUtf8, _) => self.each(file, fetched),
        }
    }

    /// The items of an array; anything else is one item.
    pub(super) fn each(self, file: &File, fetched: &Fetched) -> Vec<Self> {
        match &self.value {
            Value::Many(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| Self::in_file(file, format!("{}[{index}]", self.key), item))
                .map(|item| item.or_fetched(fetched))
                .collect(),
            Value::One(_) | Value::Table(_) | Value::NotUtf8 => vec![self],
        }
    }

    pub(super) fn mistake(self, key: &Key, right: String) -> Mistake {
        let hidden = match self.kept {
            Kept::Here => key.secret || matches!(self.value, Value::NotUtf8),
            // What is written is the reference.
            Kept::Elsewhere | Kept::Nowhere(_) => false,
        };
        Mistake {
            key: self.key,
            place: self.place,
            value: Some(if hidden { "…".to_owned() } else { self.written }),
            right,
        }
    }
}

/// The example of `key` as the end of a sentence.
pub(super) fn such_as(key: &Key) -> String {
    if key.example.is_empty() {
        return String::new();
    }
    format!(", such as `{}`", key.example)
}

/// The items of a list in one text; nothing between two commas is no item.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}
