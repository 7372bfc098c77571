use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// When the event happened, in the words of its source: RFC 3339 text, kept to the letter.
#[derive(Clone, PartialEq, Eq)]
pub struct EventTime(Box<str>);

/// The text is no RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is RFC 3339, such as 2026-02-26T19:13:55.749Z")]
pub struct InvalidTime;

impl EventTime {
    /// Longest text in bytes: nanoseconds and an offset fit.
    const MAX_BYTES: usize = 64;

    /// Parses RFC 3339.
    ///
    /// # Errors
    ///
    /// [`InvalidTime`] when it is none.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidTime);
        }
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_which_part| InvalidTime)?;
        Ok(Self(text.into()))
    }

    /// The time so many milliseconds after the Unix epoch; one past the year 9999 becomes that year's end.
    #[must_use]
    pub fn from_unix_ms(unix_ms: u64) -> Self {
        const LAST_MS: u64 = 253_402_300_799_999;
        let nanos = i128::from(unix_ms.min(LAST_MS)) * 1_000_000;
        let text = OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_else(|| "1970-01-01T00:00:00Z".into());
        Self(text.into())
    }

    /// Reads an RFC 3339 text as milliseconds after the Unix epoch; earlier times are 0.
    ///
    /// # Errors
    ///
    /// [`InvalidTime`] when it is none.
    pub fn unix_ms(text: &str) -> Result<u64, InvalidTime> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_which_part| InvalidTime)?;
        Ok(u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(0))
    }

    /// The text as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_publish_time_is_kept_to_the_letter() {
        let text = "2021-02-26T19:13:55.749Z";
        assert_eq!(EventTime::parse(text).unwrap().as_str(), text);
        assert_eq!(EventTime::unix_ms(text), Ok(1_614_366_835_749));
        assert_eq!(EventTime::from_unix_ms(1_614_366_835_749).as_str(), text);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "yesterday", "2021-02-30T00:00:00Z", "2021-02-26", "2021-02-26T19:13:55.749"]
        {
            assert_eq!(EventTime::parse(text), Err(InvalidTime), "{text:?}");
        }
        assert!(EventTime::from_unix_ms(u64::MAX).as_str().starts_with("9999"));
    }
}
