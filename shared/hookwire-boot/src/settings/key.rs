//! One configuration key.

use super::origin::{OTHERS, PREFIX};

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the file, such as `push_audience`; the variable is `HOOKWIRE_PUSH_AUDIENCE`.
    pub name: &'static str,
    /// Stands in for an unset value, in the text form of a variable.
    pub default: Option<&'static str>,
    /// Its value is shown as `…`.
    pub secret: bool,
    /// A value that would be right, shown with every mistake; may be empty.
    pub example: &'static str,
    /// What it does, in one line of Markdown.
    pub about: &'static str,
}

impl Key {
    /// The environment variable of this key: `HOOKWIRE_…`, but for what every program calls the same, as `SENTRY_DSN`.
    #[must_use]
    pub fn variable(&self) -> String {
        let name = self.name.to_ascii_uppercase();
        match OTHERS.iter().any(|other| name.starts_with(other)) {
            true => name,
            false => format!("{PREFIX}{name}"),
        }
    }
}
