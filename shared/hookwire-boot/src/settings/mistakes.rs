//! What is wrong with the configuration, all of it at once.

use std::fmt;

use super::file::File;

/// One thing the user has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key as the user wrote it: `HOOKWIRE_LISTEN`, `listen` or `sources[2].name`.
    pub key: String,
    /// Where it stands, when that is not the environment: `hookwire.toml line 4`.
    pub place: Option<String>,
    /// The value as the user wrote it, `…` for a secret.
    pub value: Option<String>,
    /// What is wrong and what would be right.
    pub right: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        write!(f, ": {}", self.right)
    }
}

/// All mistakes of a configuration; at least one.
///
/// Its `Display` takes several lines and is meant for a terminal.
#[derive(Debug)]
pub struct Mistakes {
    mistakes: Vec<Mistake>,
    warnings: Vec<Warning>,
}

impl Mistakes {
    /// The mistakes, in the order they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.mistakes.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mistakes.len() {
            1 => write!(f, "1 mistake in the configuration:")?,
            count => write!(f, "{count} mistakes in the configuration:")?,
        }
        for mistake in &self.mistakes {
            write!(f, "\n  - {mistake}")?;
        }
        // A misspelt variable is often why another one is missing.
        for warning in &self.warnings {
            write!(f, "\n  - {warning}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Something that is ignored although the user may have meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The variable as it is spelled in the environment.
    pub variable: String,
    /// Why it is ignored, and what may have been meant.
    pub about: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.about)
    }
}

/// Mistakes and warnings while settings are being read.
#[derive(Debug)]
pub(super) struct Recorded {
    mistakes: Vec<Mistake>,
    is_missing_any: bool,
    warnings: Vec<Warning>,
}

impl Recorded {
    pub(super) fn new(file: &File) -> Self {
        Self { mistakes: file.mistakes.clone(), is_missing_any: false, warnings: Vec::new() }
    }

    /// Keeps each mistake once: a key may be read more than once.
    pub(super) fn refuse(&mut self, mistake: Mistake) {
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    /// As [`Self::refuse`], for a value that could not be had.
    pub(super) fn refuse_missing(&mut self, mistake: Mistake) {
        self.is_missing_any = true;
        self.refuse(mistake);
    }

    /// Whether a value that was read could not be had, so that there are mistakes for certain.
    pub(super) fn is_missing_any(&self) -> bool {
        self.is_missing_any
    }

    pub(super) fn warn(&mut self, variable: &str, about: String) {
        self.warnings.push(Warning { variable: variable.to_owned(), about });
    }

    /// The variable is not ignored after all.
    pub(super) fn heed(&mut self, variable: &str) {
        self.warnings.retain(|warning| warning.variable != variable);
    }

    pub(super) fn finish(self) -> Result<Vec<Warning>, Mistakes> {
        if self.mistakes.is_empty() {
            return Ok(self.warnings);
        }
        Err(Mistakes { mistakes: self.mistakes, warnings: self.warnings })
    }
}
