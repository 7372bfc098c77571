//! What the environment and the configuration file say, with every mistake in it.

mod bytes;
mod duration;
mod file;
mod found;
mod key;
mod markdown;
mod mistakes;
mod nearest;
mod origin;
mod reference;
mod secret;
mod table;
mod value;

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

use file::File;
use mistakes::Recorded;
use nearest::{did_you_mean, nearest};
use origin::{CONFIG_VARIABLE, PREFIX, TOKEN_VARIABLE, Variables};
use reference::Fetched;

pub use bytes::Bytes;
pub use key::Key;
pub use markdown::{markdown_table, markdown_table_in_file};
pub use mistakes::{Mistake, Mistakes, Warning};
pub use origin::Origin;
pub use secret::Secret;
pub use table::Table;
pub use value::FromSetting;

/// The settings of one process; the environment wins over the file.
///
/// Reading never fails: a bad value is recorded, the default is returned in its place, and [`Settings::finish`] tells
/// all mistakes together. What was read must not be used before `finish` has agreed. An empty text counts as unset.
///
/// All methods panic when `name` is not among the keys, or when a default does not parse: these are mistakes of the
/// program, and any test that reads its settings finds them.
pub struct Settings {
    keys: Vec<Key>,
    variables: Variables,
    environment: Variables,
    file: File,
    fetched: Fetched,
    recorded: RefCell<Recorded>,
}

impl Settings {
    /// Reads `origin`, which may hold `keys`, and in the file also arrays of tables named `tables`.
    #[must_use]
    pub fn load(keys: &[Key], tables: &[&str], origin: Origin) -> Self {
        let settings = Self {
            keys: keys.to_vec(),
            variables: origin.variables,
            environment: origin.environment,
            recorded: RefCell::new(Recorded::new(&origin.file)),
            file: origin.file,
            fetched: origin.fetched,
        };
        settings.top().refuse_unknown(tables);
        settings.warn_of_unknown_variables(tables);
        settings
    }

    /// The value of a key that has a default.
    pub fn value<T: FromSetting>(&self, name: &str) -> T {
        self.top().value(name)
    }

    /// As [`Settings::value`], refusing what is outside of `range`.
    pub fn value_in<T>(&self, name: &str, range: RangeInclusive<T>) -> T
    where
        T: FromSetting + PartialOrd + fmt::Debug,
    {
        self.top().value_in(name, range)
    }

    /// The value, else the default if the key has one.
    pub fn optional<T: FromSetting>(&self, name: &str) -> Option<T> {
        self.top().optional(name)
    }

    /// As [`Settings::optional`], but its absence is a mistake; `None` only if a mistake was recorded.
    pub fn required<T: FromSetting>(&self, name: &str) -> Option<T> {
        self.top().required(name)
    }

    /// Several values: separated by commas in a variable, in the file an array or one such string.
    pub fn list<T: FromSetting>(&self, name: &str) -> Vec<T> {
        self.top().list(name)
    }

    /// The tables `[[name]]` of the file, in its order; any key that is not among `keys` is a mistake.
    pub fn tables<'s>(&'s self, name: &str, keys: &'s [Key]) -> Vec<Table<'s>> {
        self.top().tables(name, keys)
    }

    /// Records a mistake that only the caller can see; `right` tells what would be right.
    ///
    /// Ignored while the file cannot be parsed, or a secret that was read could not be had: what the caller judges would be
    /// defaults, not what the user wrote.
    pub fn mistake(&self, name: &str, right: &str) {
        self.top().mistake(name, right);
    }

    /// Answers whether what was read may be used.
    ///
    /// # Errors
    ///
    /// Every mistake recorded since `load`.
    pub fn finish(self) -> Result<Vec<Warning>, Mistakes> {
        self.recorded.into_inner().finish()
    }

    fn top(&self) -> Table<'_> {
        Table {
            at: String::new(),
            line: 1,
            keys: &self.keys,
            entries: &self.file.entries,
            variables: Some(&self.variables),
            environment: &self.environment,
            file: &self.file,
            fetched: &self.fetched,
            recorded: &self.recorded,
        }
    }

    /// Only warns: an orchestrator may add variables of its own, such as Kubernetes' `HOOKWIRE_SERVICE_HOST`.
    fn warn_of_unknown_variables(&self, tables: &[&str]) {
        for variable in self.variables.keys() {
            let known = [CONFIG_VARIABLE, TOKEN_VARIABLE].contains(&variable.as_str())
                || !variable.starts_with(PREFIX)
                || self.keys.iter().any(|key| key.variable() == *variable);
            if known {
                continue;
            }
            let name = variable.trim_start_matches(PREFIX).to_ascii_lowercase();
            let about = if tables.contains(&name.as_str()) {
                format!("is ignored: [[{name}]] is set in the file only")
            } else {
                let variables: Vec<String> = self.keys.iter().map(Key::variable).collect();
                let known = variables.iter().map(String::as_str).chain([CONFIG_VARIABLE]);
                let hint = did_you_mean(nearest(variable, known));
                format!("is ignored: it is not a setting{hint}")
            };
            self.recorded.borrow_mut().warn(variable, about);
        }
    }
}

impl fmt::Debug for Settings {
    // Not derived: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("file", &self.file.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
