//! One configuration key.

use super::origin::PREFIX;

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the file, such as `push_audience`; the variable is `HOOKWIRE_PUSH_AUDIENCE`. In capitals it is a variable
    /// that others have named, such as `OTEL_SERVICE_NAME`, and stands in no file.
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
    /// The environment variable of this key.
    #[must_use]
    pub fn variable(&self) -> String {
        match self.is_of_others() {
            true => self.name.to_owned(),
            false => format!("{PREFIX}{}", self.name.to_ascii_uppercase()),
        }
    }

    /// Whether others have named it.
    pub(super) fn is_of_others(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_uppercase())
    }
}
