use std::fmt;

use sentry::types::Dsn;
use sentry::types::ParseDsnError;

use crate::FromSetting;

/// Where Sentry is, and what lets us tell it something.
#[derive(Clone)]
pub struct SentryDsn {
    text: String,
    pub(super) dsn: Dsn,
}

impl SentryDsn {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromSetting for SentryDsn {
    const EXPECTS: &'static str = "the DSN of a project in Sentry";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let dsn: Dsn = text.parse().map_err(|error| {
            let reason = match error {
                ParseDsnError::InvalidUrl => "it is no address",
                ParseDsnError::InvalidScheme => "it begins with https:// or http://",
                ParseDsnError::NoUsername => "the key before the @ is missing",
                ParseDsnError::NoProjectId => "the project's number at its end is missing",
                ParseDsnError::InvalidProjectId(_) => "the project at its end is not valid",
            };
            reason.to_owned()
        })?;
        if dsn.project_id().value().parse::<u64>().is_err() {
            return Err("what stands at its end is the project's number".to_owned());
        }
        Ok(Self { text: text.to_owned(), dsn })
    }
}

impl fmt::Debug for SentryDsn {
    // Its key lets anybody tell Sentry anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentryDsn").field("host", &self.dsn.host()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_dsn_is_told_without_its_key() {
        for (wrong, told) in [
            ("sentry", "no address"),
            ("https://sentry.example/2", "key"),
            ("https://abc@sentry.example", "number"),
            ("https://abc@sentry.example/", "number"),
            ("https://abc@sentry.example/two", "number"),
            ("ftp://abc@sentry.example/2", "https"),
        ] {
            let reason = SentryDsn::from_text(wrong).unwrap_err();
            assert!(reason.contains(told) && !reason.contains("abc"), "{wrong}: {reason}");
        }
        let dsn = SentryDsn::from_text("https://abc@sentry.example/2").unwrap();
        assert!(!format!("{dsn:?}").contains("abc"), "{dsn:?}");
    }
}
