//! A text that nobody may see.

use std::fmt;

use subtle::ConstantTimeEq;

use super::FromSetting;

/// A text that is shown as `…` and compared in constant time.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides `text` from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this secret, in a time that depends on the lengths only.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for Secret {}

impl FromSetting for Secret {
    const EXPECTS: &'static str = "a text";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {:#?}", Some(&secret)), "… … Some(\n    …,\n)");
    }

    #[test]
    fn a_secret_matches_itself_and_nothing_else() {
        let secret = Secret::new("hunter2");
        assert!(secret.matches(b"hunter2"));
        for candidate in ["hunter3", "hunter", "hunter22", ""] {
            assert!(!secret.matches(candidate.as_bytes()), "{candidate}");
            assert_ne!(secret, Secret::new(candidate));
        }
    }
}
