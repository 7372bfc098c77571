use std::fmt;
use std::str::FromStr;

/// A place in one topic's log: the entry with this number, or the place just before the first one.
///
/// `k` counts 1, 2, 3 … without holes inside a generation. A new generation begins whenever whoever keeps the log
/// may have lost its tail, so an entry that follows `<g>-<k>` is `<g>-<k+1>` or the first of a later generation, and
/// anything else is a hole that a reader sees at once. `k` = 0 is the place before the first entry of a generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Milliseconds since the Unix epoch when this generation began; only its order and identity matter.
    pub generation: u64,
    /// Number inside the generation.
    pub k: u64,
}

impl Position {
    /// A position from its two numbers.
    #[must_use]
    pub const fn new(generation: u64, k: u64) -> Self {
        Self { generation, k }
    }

    /// The position that follows in the same generation.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { generation: self.generation, k: self.k + 1 }
    }

    /// The position before, in the same generation; the place before the first has none.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self { generation: self.generation, k: self.k.saturating_sub(1) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.generation, self.k)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not `<generation>-<k>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is two decimal numbers joined by `-`")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (generation, k) = text.split_once('-').ok_or(InvalidPosition)?;
        let position = Self { generation: decimal(generation)?, k: decimal(k)? };
        // `k + 1` must not overflow anywhere behind this line.
        if position.k == u64::MAX { Err(InvalidPosition) } else { Ok(position) }
    }
}

fn decimal(digits: &str) -> Result<u64, InvalidPosition> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidPosition);
    }
    digits.parse().map_err(|_overflow| InvalidPosition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_as_it_was_written() {
        for position in [Position::new(0, 0), Position::new(1_732_000_000_000, 7)] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn garbage_is_no_position() {
        let garbage = [
            "",
            "-",
            "1-",
            "-1",
            "+1-2",
            "1-+2",
            "1-2-3",
            "a-b",
            " 1-2",
            "1-18446744073709551616",
            "1-18446744073709551615",
            "١-٢",
        ];
        for text in garbage {
            assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text:?}");
        }
    }
}
