//! Sizes as people write them.

use std::fmt;

use super::FromSetting;

/// A size in bytes, written `64KiB`, `1MiB`, `2MB` or as a bare number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub usize);

/// Largest first, so that `Display` takes the first that fits.
const BINARY_UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
const DECIMAL_UNITS: [(&str, u64); 4] =
    [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1)];

impl FromSetting for Bytes {
    const EXPECTS: &'static str = "a size in bytes, or with a unit (KiB, MiB, GiB, kB, MB, GB)";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let (number, unit) = text.split_at(text.len() - rest.len());
        let unit = unit.trim_start();
        let bytes_per_unit = if unit.is_empty() {
            1
        } else {
            let mut units = BINARY_UNITS.iter().chain(&DECIMAL_UNITS);
            let known = units.find(|(name, _)| name.eq_ignore_ascii_case(unit));
            known.ok_or_else(String::new)?.1
        };
        if number.is_empty() {
            return Err(String::new());
        }
        number
            .parse()
            .ok()
            .and_then(|number: u64| number.checked_mul(bytes_per_unit))
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| format!("the largest is {} bytes", usize::MAX))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, bytes_per_unit) in BINARY_UNITS {
            let bytes_per_unit = usize::try_from(bytes_per_unit).unwrap_or(usize::MAX);
            if self.0 > 0 && self.0.is_multiple_of(bytes_per_unit) {
                return write!(f, "{}{unit}", self.0 / bytes_per_unit);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl fmt::Debug for Bytes {
    // As `Display`: it is what the bounds of a setting are shown with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_whole_number_of_bytes_or_of_a_unit() {
        let cases = [
            ("0", 0),
            ("1500", 1500),
            ("12B", 12),
            ("64KiB", 65_536),
            ("64 kib", 65_536),
            ("1MiB", 1_048_576),
            ("2MB", 2_000_000),
            ("3kB", 3000),
            ("1GiB", 1_073_741_824),
        ];
        for (text, bytes) in cases {
            assert_eq!(Bytes::from_text(text), Ok(Bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "KiB", "-1", "1.5MiB", "64K", "64Kibi", "1TB", "1_000"] {
            assert!(Bytes::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_too_large_for_memory_is_refused() {
        for text in ["18446744073709551616", "18446744073709551615KiB"] {
            let reason = Bytes::from_text(text).unwrap_err();
            assert!(reason.starts_with("the largest is"), "{text}: {reason}");
        }
    }

    #[test]
    fn a_size_is_shown_in_the_unit_it_fills() {
        let cases = [(0, "0B"), (1500, "1500B"), (65_536, "64KiB"), (1 << 20, "1MiB")];
        for (bytes, shown) in cases {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }
}
