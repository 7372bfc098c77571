//! A value that is set, and how to point at it.

use super::file::{Entry, File, Value, shortened};
use super::mistakes::Mistake;
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
}

impl Found {
    pub(super) fn in_variable(name: String, text: Option<&str>) -> Self {
        Self {
            key: name,
            place: None,
            written: format!("{:?}", shortened(text.unwrap_or_default())),
            value: text.map_or(Value::NotUtf8, |text| Value::One(text.to_owned())),
        }
    }

    pub(super) fn in_file(file: &File, key: String, entry: &Entry) -> Self {
        Self {
            key,
            place: Some(file.place(entry.line)),
            written: entry.written.clone(),
            value: entry.value.clone(),
        }
    }

    /// Reads one value.
    pub(super) fn parse<T: FromSetting>(self, key: &Key) -> Result<T, Mistake> {
        let reason = match &self.value {
            Value::One(text) => match T::from_text(text) {
                Ok(value) => return Ok(value),
                // The reason was written by whoever wrote `T`, and may repeat the text.
                Err(reason) if key.secret && reason.contains(text.as_str()) => String::new(),
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
    pub(super) fn items(self, file: &File) -> Vec<Self> {
        match self.value {
            Value::One(text) => split(&text)
                .map(|item| Self {
                    key: self.key.clone(),
                    place: self.place.clone(),
                    written: format!("{:?}", shortened(item)),
                    value: Value::One(item.to_owned()),
                })
                .collect(),
            Value::Many(_) | Value::Table(_) | Value::NotUtf8 => self.each(file),
        }
    }

    /// The items of an array; anything else is one item.
    pub(super) fn each(self, file: &File) -> Vec<Self> {
        match &self.value {
            Value::Many(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| Self::in_file(file, format!("{}[{index}]", self.key), item))
                .collect(),
            Value::One(_) | Value::Table(_) | Value::NotUtf8 => vec![self],
        }
    }

    pub(super) fn mistake(self, key: &Key, right: String) -> Mistake {
        let hidden = key.secret || matches!(self.value, Value::NotUtf8);
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
