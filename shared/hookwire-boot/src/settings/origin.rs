//! Where settings come from.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Key;
use super::file::{Entries, Entry, File, Value};
use super::reference::{Fetched, is_reference};

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "HOOKWIRE_";

/// What variables begin with that every program calls the same. Who deploys sets them for all programs at once, and there
/// are some that are not meant for us.
pub(super) const OTHERS: [&str; 1] = ["SENTRY_"];

/// Names the configuration file; no key.
pub(super) const CONFIG_VARIABLE: &str = "HOOKWIRE_CONFIG";

/// What the tools of a terminal prove themselves with. No setting: a shell that has it may start a relay as well.
pub(super) const TOKEN_VARIABLE: &str = "HOOKWIRE_TOKEN";

/// Read when it exists and no other file is named.
const DEFAULT_FILE: &str = "hookwire.toml";

/// How a key ends that names variables of the environment, as `secret_env` does.
const NAMES_VARIABLES: &str = "_env";

/// Variables with their values, which need not be UTF-8; empty ones left out.
pub(super) type Variables = BTreeMap<String, OsString>;

/// Where settings come from: an environment and a file.
pub struct Origin {
    pub(super) variables: Variables,
    /// Everybody's, ours among them: a setting may name one that holds a secret.
    pub(super) environment: Variables,
    pub(super) file: File,
    /// What stands for the text of the file, where it is kept with the secrets.
    file_reference: Option<String>,
    pub(super) fetched: Fetched,
}

impl Origin {
    /// The environment of this process and the file it names.
    ///
    /// The file is `config_path` (an argument of the command line), else `HOOKWIRE_CONFIG`, else `hookwire.toml` in the
    /// current folder when that exists. A file that is named and missing is a mistake.
    #[must_use]
    pub fn process(config_path: Option<PathBuf>) -> Self {
        Self::found(std::env::vars_os(), config_path, Path::new(""))
    }

    /// Exactly these variables, and a `hookwire.toml` with this text; for tests.
    #[must_use]
    pub fn given<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>, file: &str) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let environment = set(variables);
        let file = File::parse(DEFAULT_FILE, file);
        let variables = ours(&environment);
        Self { variables, environment, file, file_reference: None, fetched: Fetched::new() }
    }

    /// The reference that `HOOKWIRE_CONFIG` is, if it is one: it stands for the text of the file, where a process has no file
    /// of its own. It has to be given to [`Origin::with_file`], before the others are asked for.
    #[must_use]
    pub fn file_reference(&self) -> Option<&str> {
        self.file_reference.as_deref()
    }

    /// Takes the text that was fetched for the file, or what is wrong and what would be right.
    #[must_use]
    pub fn with_file(mut self, fetched: Result<String, String>) -> Self {
        if let Some(reference) = self.file_reference.take() {
            self.file = match fetched {
                Ok(text) => File::parse(&reference, &text),
                Err(right) => File::missing(CONFIG_VARIABLE, reference, right),
            };
        }
        self
    }

    /// The values that stand for secrets kept elsewhere (`secretsmanager:…`, `ssm:…`), each once: of `keys`, of all that is
    /// in the file, and of the variables that the file names.
    ///
    /// Each of them has to be given to [`Origin::with_fetched`]. Until then reading it is a mistake, so that no name of a
    /// secret is taken for the secret.
    #[must_use]
    pub fn references(&self, keys: &[Key]) -> BTreeSet<String> {
        let set = keys.iter().filter_map(|key| self.variable(&key.variable()));
        let mut texts: Vec<&str> = set.collect();
        for (name, entry) in &self.file.entries {
            let is_set_over = keys.iter().any(|key| {
                key.name == name.as_str() && self.variables.contains_key(&key.variable())
            });
            if !is_set_over {
                self.collect(name, entry, &mut texts);
            }
        }
        texts.into_iter().filter(|text| is_reference(text)).map(str::to_owned).collect()
    }

    /// Has each of these references stand for what was fetched, or be a mistake that says why nothing was: what is wrong,
    /// and what would be right.
    #[must_use]
    pub fn with_fetched(
        mut self,
        fetched: impl IntoIterator<Item = (String, Result<String, String>)>,
    ) -> Self {
        self.fetched.extend(fetched);
        self
    }

    /// A variable of the environment, also one of others such as `AWS_REGION`.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)?.to_str()
    }

    fn collect<'o>(&'o self, name: &str, entry: &'o Entry, texts: &mut Vec<&'o str>) {
        match &entry.value {
            Value::One(text) => {
                texts.push(text);
                if name.ends_with(NAMES_VARIABLES) {
                    texts.extend(self.variable(text));
                }
            }
            Value::Many(items) => items.iter().for_each(|item| self.collect(name, item, texts)),
            Value::Table(entries) => self.collect_all(entries, texts),
            Value::NotUtf8 => {}
        }
    }

    fn collect_all<'o>(&'o self, entries: &'o Entries, texts: &mut Vec<&'o str>) {
        entries.iter().for_each(|(name, entry)| self.collect(name, entry, texts));
    }

    pub(super) fn found(
        variables: impl Iterator<Item = (OsString, OsString)>,
        config_path: Option<PathBuf>,
        folder: &Path,
    ) -> Self {
        let environment = set(variables);
        let variables = ours(&environment);
        let named = variables.get(CONFIG_VARIABLE);
        let file_reference =
            named.and_then(|named| named.to_str()).filter(|named| is_reference(named));
        let file_reference = file_reference.filter(|_| config_path.is_none()).map(str::to_owned);
        let file = match (config_path, named) {
            (None, Some(_)) if let Some(reference) = file_reference.clone() => {
                File::missing(CONFIG_VARIABLE, reference, NOT_FETCHED.to_owned())
            }
            (Some(path), _) => File::read("configuration file", &path),
            (None, Some(path)) => File::read(CONFIG_VARIABLE, Path::new(path)),
            (None, None) => {
                let path = folder.join(DEFAULT_FILE);
                // `try_exists` fails where the folder may not be searched: reading then tells why.
                if path.try_exists().unwrap_or(true) {
                    File::read("configuration file", &path)
                } else {
                    File::parse(DEFAULT_FILE, "")
                }
            }
        };
        Self { variables, environment, file, file_reference, fetched: Fetched::new() }
    }
}

const NOT_FETCHED: &str = "stands for a text that this command does not fetch; name a file";

fn set(variables: impl Iterator<Item = (OsString, OsString)>) -> Variables {
    variables
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .collect()
}

fn ours(environment: &Variables) -> Variables {
    let is_ours =
        |name: &str| name.starts_with(PREFIX) || OTHERS.iter().any(|other| name.starts_with(other));
    let ours = environment.iter().filter(|(name, _)| is_ours(name));
    ours.map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl fmt::Debug for Origin {
    // Not derived: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("file", &self.file.name).finish_non_exhaustive()
    }
}
