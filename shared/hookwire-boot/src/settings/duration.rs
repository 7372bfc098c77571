//! Durations as people write them.

use std::time::Duration;

use super::FromSetting;

/// The longest duration a setting may have.
///
/// Bounded because adding a `Duration` to an `Instant` panics when the clock cannot count that far. A hundred years is
/// for ever to a process and far from that.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl FromSetting for Duration {
    const EXPECTS: &'static str = "a whole number with a unit (ms, s, m, h, d)";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let (number, unit) = text.split_at(text.len() - rest.len());
        let unit = unit.trim_start();
        if number.is_empty() {
            return Err(String::new());
        }
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            "" => return Err("the unit is missing".to_owned()),
            _ => return Err(String::new()),
        };
        number
            .parse()
            .ok()
            .and_then(|number: u64| number.checked_mul(milliseconds))
            .map(Self::from_millis)
            .filter(|duration| *duration <= LONGEST)
            .ok_or_else(|| "the longest is 36500d".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        let cases = [
            ("0s", 0),
            ("500ms", 500),
            ("15s", 15_000),
            ("10m", 600_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            (" 15 s ", 15_000),
            ("36500d", 3_153_600_000_000),
        ];
        for (text, milliseconds) in cases {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(Duration::from_text(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_refused_and_told_that_the_unit_is_missing() {
        let reason = Duration::from_text("15").unwrap_err();
        assert_eq!(reason, "the unit is missing");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "s", "-1s", "1.5h", "15 sec", "1h30m", "15S", "１５s", "s15"] {
            assert!(Duration::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_duration_too_long_for_the_clock_is_refused() {
        for text in ["36501d", "18446744073709551615d", "99999999999999999999ms"] {
            let reason = Duration::from_text(text).unwrap_err();
            assert_eq!(reason, "the longest is 36500d", "{text}");
        }
    }
}
