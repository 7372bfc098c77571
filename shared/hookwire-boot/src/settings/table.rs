//! One table of settings: the top of the file with the environment over it, or one `[[table]]`.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

use super::file::{Entries, Entry, File, Value};
use super::found::{Found, split, such_as};
use super::mistakes::{Mistake, Recorded};
use super::nearest::{did_you_mean, nearest};
use super::origin::Variables;
use super::reference::Fetched;
use super::{FromSetting, Key};

/// One `[[table]]` of the file; read like [`Settings`](super::Settings).
pub struct Table<'s> {
    /// Empty for the top of the file.
    pub(super) at: String,
    /// Where the table begins, to point at what it lacks.
    pub(super) line: usize,
    pub(super) keys: &'s [Key],
    pub(super) entries: &'s Entries,
    /// Only the top of the file has variables over it.
    pub(super) variables: Option<&'s Variables>,
    pub(super) environment: &'s Variables,
    pub(super) file: &'s File,
    pub(super) fetched: &'s Fetched,
    pub(super) recorded: &'s RefCell<Recorded>,
}

impl<'s> Table<'s> {
    /// What mistakes in this table begin with: `sources[2]`, counted from 0.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// See [`Settings::value`](super::Settings::value).
    pub fn value<T: FromSetting>(&self, name: &str) -> T {
        self.written(name).unwrap_or_else(|| self.default(name))
    }

    /// See [`Settings::value_in`](super::Settings::value_in).
    pub fn value_in<T>(&self, name: &str, range: RangeInclusive<T>) -> T
    where
        T: FromSetting + PartialOrd + fmt::Debug,
    {
        let Some(value) = self.written(name) else {
            return self.default(name);
        };
        if range.contains(&value) {
            return value;
        }
        let (from, to) = range.into_inner();
        self.refuse(name, &format!("expects from {from:?} to {to:?}"));
        self.default(name)
    }

    /// See [`Settings::optional`](super::Settings::optional).
    pub fn optional<T: FromSetting>(&self, name: &str) -> Option<T> {
        self.written(name).or_else(|| self.key(name).default.map(|_| self.default(name)))
    }

    /// See [`Settings::required`](super::Settings::required).
    pub fn required<T: FromSetting>(&self, name: &str) -> Option<T> {
        let value = self.optional(name);
        if value.is_none() && self.find(name).is_none() {
            let right = format!("must be set{}", such_as(self.key(name)));
            self.mistake(name, &right);
        }
        value
    }

    /// See [`Settings::list`](super::Settings::list).
    pub fn list<T: FromSetting>(&self, name: &str) -> Vec<T> {
        let key = self.key(name);
        let written: Option<Vec<T>> = self.find(name).and_then(|found| {
            let items = found.items(self.file, self.fetched).into_iter();
            // Collected twice, so that the first bad item does not hide the next one.
            let parsed: Vec<Option<T>> = items.map(|item| self.parse(item, key)).collect();
            parsed.into_iter().collect()
        });
        written.unwrap_or_else(|| {
            let default = split(key.default.unwrap_or_default());
            default.map(|text| parse_default(key, text)).collect()
        })
    }

    /// One value or an array of them. Unlike in a [`list`](Self::list) a comma divides nothing: a secret may hold one.
    pub fn several<T: FromSetting>(&self, name: &str) -> Vec<T> {
        let key = self.key(name);
        let each = self.each(name).into_iter();
        each.filter_map(|found| self.parse(found, key)).collect()
    }

    /// The values of `value_key` in the variables that `name` names, one or several. Any variable of the process may be
    /// named.
    pub fn several_in_variables<T: FromSetting>(&self, name: &str, value_key: &str) -> Vec<T> {
        let (key, value_key) = (self.key(name), self.key(value_key));
        let names = self.each(name).into_iter();
        let names = names.filter_map(|found| self.parse::<String>(found, key));
        let values = names.filter_map(|variable| match self.environment.get(&variable) {
            Some(value) => {
                self.recorded.borrow_mut().heed(&variable);
                let found = Found::in_variable(variable, value.to_str());
                self.parse(found.or_fetched(self.fetched), value_key)
            }
            None => {
                self.refuse(name, "must name variables that are set");
                None
            }
        });
        values.collect()
    }

    /// Whether the user has set it, rightly or not.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// See [`Settings::mistake`](super::Settings::mistake).
    pub fn mistake(&self, name: &str, right: &str) {
        let is_guess = self.file.is_broken() || self.recorded.borrow().is_missing_any();
        if !is_guess {
            self.refuse(name, right);
        }
    }

    pub(super) fn tables(&self, name: &str, keys: &'s [Key]) -> Vec<Self> {
        let Some(entry) = self.entries.get(name) else {
            return Vec::new();
        };
        let items: &'s [Entry] = match &entry.value {
            Value::Many(items) => items,
            Value::One(_) | Value::Table(_) | Value::NotUtf8 => std::slice::from_ref(entry),
        };
        let mut tables = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match (&entry.value, &item.value) {
                (Value::Many(_), Value::Table(entries)) => tables.push(Self {
                    at: format!("{name}[{index}]"),
                    line: item.line,
                    keys,
                    entries,
                    variables: None,
                    environment: self.environment,
                    file: self.file,
                    fetched: self.fetched,
                    recorded: self.recorded,
                }),
                _ => self.recorded.borrow_mut().refuse(Mistake {
                    key: name.to_owned(),
                    place: Some(self.file.place(item.line)),
                    value: None,
                    right: format!("expects tables, each begun by a line `[[{name}]]`"),
                }),
            }
        }
        for table in &tables {
            table.refuse_unknown(&[]);
        }
        tables
    }

    /// Refuses every entry that is neither a key nor one of `tables`.
    pub(super) fn refuse_unknown(&self, tables: &[&str]) {
        let known = || {
            let keys = self.keys.iter().map(|key| key.name);
            keys.chain(tables.iter().copied())
        };
        let mut unknown: Vec<_> = self
            .entries
            .iter()
            .filter(|(name, _)| !known().any(|known| known == name.as_str()))
            .collect();
        unknown.sort_by_key(|(_, entry)| entry.line);
        for (name, entry) in unknown {
            let hint = did_you_mean(nearest(name, known()));
            self.recorded.borrow_mut().refuse(Mistake {
                key: self.path(name),
                place: Some(self.file.place(entry.line)),
                // A misspelt key may hold a secret.
                value: None,
                right: format!("is not a setting{hint}"),
            });
        }
    }

    fn each(&self, name: &str) -> Vec<Found> {
        let Some(found) = self.find(name) else { return Vec::new() };
        let each = found.each(self.file, self.fetched);
        if each.is_empty() {
            self.refuse(name, "has nothing in it");
        }
        each
    }

    fn written<T: FromSetting>(&self, name: &str) -> Option<T> {
        let found = self.find(name)?;
        self.parse(found, self.key(name))
    }

    fn refuse(&self, name: &str, right: &str) {
        let key = self.key(name);
        let right = right.to_owned();
        let mistake = match (self.find(name), self.variables) {
            (Some(found), _) => found.mistake(key, right),
            (None, Some(_)) => Mistake {
                key: key.variable(),
                place: Some(format!("or {name} in {}", self.file.name)),
                value: None,
                right,
            },
            (None, None) => Mistake {
                key: self.path(name),
                place: Some(self.file.place(self.line)),
                value: None,
                right,
            },
        };
        self.recorded.borrow_mut().refuse(mistake);
    }

    fn parse<T: FromSetting>(&self, found: Found, key: &Key) -> Option<T> {
        let is_missing = found.is_missing();
        match found.parse(key) {
            Ok(value) => Some(value),
            Err(mistake) => {
                let mut recorded = self.recorded.borrow_mut();
                match is_missing {
                    true => recorded.refuse_missing(mistake),
                    false => recorded.refuse(mistake),
                }
                None
            }
        }
    }

    fn find(&self, name: &str) -> Option<Found> {
        let variable = self.key(name).variable();
        if let Some(value) = self.variables.and_then(|all| all.get(&variable)) {
            let found = Found::in_variable(variable, value.to_str());
            return Some(found.or_fetched(self.fetched));
        }
        let entry = self.entries.get(name)?;
        if matches!(&entry.value, Value::One(text) if text.is_empty()) {
            return None;
        }
        Some(Found::in_file(self.file, self.path(name), entry).or_fetched(self.fetched))
    }

    fn path(&self, name: &str) -> String {
        if self.at.is_empty() {
            return name.to_owned();
        }
        format!("{}.{name}", self.at)
    }

    #[expect(
        clippy::panic,
        reason = "reading a key that is not declared is a mistake of the program"
    )]
    fn key(&self, name: &str) -> &'s Key {
        let Some(key) = self.keys.iter().find(|key| key.name == name) else {
            panic!("{name} is read but not among the keys");
        };
        key
    }

    #[expect(clippy::panic, reason = "a value without a default is a mistake of the program")]
    fn default<T: FromSetting>(&self, name: &str) -> T {
        let key = self.key(name);
        let Some(text) = key.default else {
            panic!("{name} has no default: read it as optional or required");
        };
        parse_default(key, text)
    }
}

#[expect(clippy::panic, reason = "a default that does not parse is a mistake of the program")]
fn parse_default<T: FromSetting>(key: &Key, text: &str) -> T {
    match T::from_text(text) {
        Ok(value) => value,
        Err(reason) => panic!("the default of {} does not parse: {reason}", key.name),
    }
}

impl fmt::Debug for Table<'_> {
    // Not derived: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("at", &self.at).finish_non_exhaustive()
    }
}
