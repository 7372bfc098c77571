use std::fmt;
use std::str::FromStr;

use hookwire_event::{InvalidTopic, Topic};

/// Which topics are meant: a topic's name in which some segments stand for others.
///
/// | In a pattern | Stands for |
/// |---|---|
/// | `*` as a whole segment | any one segment |
/// | `**` as the last segment | any one or more segments |
/// | `{sub}`, also within a segment | the token's user, escaped so that it stays in its segment |
/// | anything else | itself, compared exactly |
///
/// `**` alone means all topics.
#[derive(Clone, Eq, PartialEq)]
pub struct TopicPattern {
    text: Box<str>,
    segments: Vec<Segment>,
    /// It ends with `**`.
    open: bool,
}

#[derive(Clone, Eq, PartialEq)]
enum Segment {
    Any,
    /// The texts between which the user stands: one more than there are `{sub}`.
    Text(Vec<Box<str>>),
}

const USER: &str = "{sub}";

/// Why a text is no pattern. Messages never quote it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum InvalidPattern {
    /// Nothing was given.
    Empty,
    /// Longer than [`TopicPattern::MAX_BYTES`].
    TooLong,
    /// `/` at an end, or two of them in a row.
    EmptySegment,
    /// White space or a control character, which no topic has.
    Forbidden,
    /// `*` beside something else, or `**` before another segment.
    Star,
    /// A brace that is not part of `{sub}`.
    Brace,
}

impl InvalidPattern {
    /// The rule that the text breaks, without a word of it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "a topic pattern has at least one character",
            Self::TooLong => "a topic pattern has at most 256 bytes",
            Self::EmptySegment => {
                "a topic pattern has no empty segment: no `/` at its start or end and no `//`"
            }
            Self::Forbidden => "a topic pattern has no white space and no control character",
            Self::Star => {
                "in a topic pattern `*` is a whole segment, and `**` is the whole last segment"
            }
            Self::Brace => "a topic pattern has no braces but those of `{sub}`",
        }
    }
}

impl TopicPattern {
    /// Longest pattern in bytes, as a topic's name.
    pub const MAX_BYTES: usize = Topic::MAX_BYTES;

    /// Parses a pattern.
    ///
    /// # Errors
    ///
    /// [`InvalidPattern`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidPattern::TooLong);
        }
        let (closed, open) = match text.rsplit_once('/') {
            _ if text == "**" => (None, true),
            Some((before, "**")) => (Some(before), true),
            _ => (Some(text), false),
        };
        let segments = closed.into_iter().flat_map(|closed| closed.split('/'));
        let segments = segments.map(Segment::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: text.into(), segments, open })
    }

    /// Tells whether a topic of this name is meant, for this user.
    #[must_use]
    pub fn matches(&self, name: &str, user: &str) -> bool {
        let user = Topic::escape_segment(user);
        let mut names = name.split('/');
        let all = self
            .segments
            .iter()
            .all(|segment| names.next().is_some_and(|name| segment.matches(name, &user)));
        all && names.next().is_some() == self.open
    }

    /// The pattern as it was parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let texts: Vec<Box<str>> = text.split(USER).map(Box::from).collect();
        if texts.iter().any(|text| text.contains(['{', '}'])) {
            return Err(InvalidPattern::Brace);
        }
        if text.contains('*') {
            return Err(InvalidPattern::Star);
        }
        match Topic::parse(text) {
            Ok(_) => Ok(Self::Text(texts)),
            Err(InvalidTopic::Empty | InvalidTopic::EmptySegment) => {
                Err(InvalidPattern::EmptySegment)
            }
            Err(InvalidTopic::TooLong { .. }) => Err(InvalidPattern::TooLong),
            Err(InvalidTopic::Forbidden) => Err(InvalidPattern::Forbidden),
        }
    }

    fn matches(&self, name: &str, user: &str) -> bool {
        let Self::Text(texts) = self else {
            return !name.is_empty();
        };
        let mut rest = Some(name);
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                rest = rest.and_then(|rest| rest.strip_prefix(user));
            }
            rest = rest.and_then(|rest| rest.strip_prefix(&**text));
        }
        rest == Some("")
    }
}

impl FromStr for TopicPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Without the text: a pattern may hold a mail address, and a `Debug` print may reach a log.
impl fmt::Debug for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TopicPattern(…)")
    }
}
