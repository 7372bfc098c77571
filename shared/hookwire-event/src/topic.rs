use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::Tenant;

/// The name of one log: 1 to 256 bytes of UTF-8 in segments separated by `/`, and the tenant it belongs to, if any.
///
/// Neither white space nor control characters are allowed, so that a name is one word in a URL, a log line and a
/// terminal; nor `*`, which belongs to patterns; nor an empty segment, so that a pattern sees what a reader sees.
///
/// Topics of two tenants are two topics, whatever their names: the tenant is part of everything that a log, a hash or a
/// key is made of, and no name that a client can send reaches over it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic {
    /// `TENANT*NAME`, or the name alone.
    full: Arc<str>,
    /// Where the name begins.
    name_at: usize,
}

/// Stands between tenant and name in [`Topic::as_str`]: neither may contain it.
const SEPARATOR: char = '*';

impl Topic {
    /// Longest name in bytes: a Gmail address has at most 254 characters and wants its prefix.
    pub const MAX_BYTES: usize = 256;

    /// Parses a name.
    ///
    /// # Errors
    ///
    /// [`InvalidTopic`] says which rule the name breaks.
    pub fn parse(name: &str) -> Result<Self, InvalidTopic> {
        if name.is_empty() {
            return Err(InvalidTopic::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(InvalidTopic::TooLong { size_bytes: name.len() });
        }
        if name.split('/').any(str::is_empty) {
            return Err(InvalidTopic::EmptySegment);
        }
        if name.chars().any(is_forbidden) {
            return Err(InvalidTopic::Forbidden);
        }
        Ok(Self { full: name.into(), name_at: 0 })
    }

    /// The topic of this name that belongs to `tenant`; of a topic that belongs to another one, its own.
    #[must_use]
    pub fn within(&self, tenant: &Tenant) -> Self {
        let full = format!("{}{SEPARATOR}{}", tenant.as_str(), self.name());
        Self { full: full.into(), name_at: tenant.as_str().len() + SEPARATOR.len_utf8() }
    }

    /// Reads what [`Topic::as_str`] gave, from where only the relay writes.
    ///
    /// # Errors
    ///
    /// [`InvalidTopic`]: it never was a topic.
    pub fn restore(full: &str) -> Result<Self, InvalidTopic> {
        match full.split_once(SEPARATOR) {
            None => Self::parse(full),
            Some((tenant, name)) => {
                let tenant = Tenant::parse(tenant).map_err(|_rule| InvalidTopic::Forbidden)?;
                Ok(Self::parse(name)?.within(&tenant))
            }
        }
    }

    /// Turns any text into something that can stand inside one segment of a name.
    ///
    /// What a name may not contain, `/` and `%` become `%XX`, so that two different values never give one name and
    /// a value cannot reach over its segment.
    #[must_use]
    pub fn escape_segment(value: &str) -> String {
        let mut escaped = String::with_capacity(value.len());
        for c in value.chars() {
            if is_forbidden(c) || c == '/' || c == '%' {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    escaped.push_str(&format!("%{byte:02X}"));
                }
            } else {
                escaped.push(c);
            }
        }
        escaped
    }

    /// The same for a value that is a path of its own and stays one: its `/` divide segments.
    #[must_use]
    pub fn escape_path(value: &str) -> String {
        let segments: Vec<String> = value.split('/').map(Self::escape_segment).collect();
        segments.join("/")
    }

    /// The name as it was parsed: what clients see.
    #[must_use]
    pub fn name(&self) -> &str {
        self.full.get(self.name_at..).unwrap_or_default()
    }

    /// Tenant and name: what logs, keys and queues are made of, and no client sees.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The tenant it belongs to.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.full.get(..self.name_at)?.strip_suffix(SEPARATOR)
    }

    /// Eight hexadecimal digits that stand for the name in logs, where a mail address must not appear.
    #[must_use]
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.full.as_bytes());
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Six bytes that stand for the name inside a cursor over several topics.
    #[must_use]
    pub fn tag(&self) -> [u8; 6] {
        let digest = Sha256::digest(self.full.as_bytes());
        let mut tag = [0; 6];
        for (to, from) in tag.iter_mut().zip(digest) {
            *to = from;
        }
        tag
    }
}

fn is_forbidden(c: char) -> bool {
    c.is_control() || c.is_whitespace() || c == SEPARATOR
}

/// Hashed: a topic name may hold a mail address, and a `Debug` print may reach a log.
impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Topic({})", self.hash())
    }
}

/// Why a text is no topic name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopic {
    /// Nothing was given.
    #[error("a topic name has at least one character")]
    Empty,
    /// Longer than [`Topic::MAX_BYTES`].
    #[error("the topic name has {size_bytes} bytes, the limit is {}", Topic::MAX_BYTES)]
    TooLong {
        /// Length of what was given.
        size_bytes: usize,
    },
    /// `/` at an end, or two of them in a row.
    #[error("a topic name has no empty segment: no `/` at its start or end and no `//`")]
    EmptySegment,
    /// White space, a control character or `*`.
    #[error("a topic name has no white space, no control character and no `*`")]
    Forbidden,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_real_sources_are_topics() {
        for name in
            ["demo", "gmail/alice@example.com", "pubsub/projects/p/subscriptions/s", "größe/𝄞"]
        {
            assert_eq!(Topic::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_would_break_a_line_or_a_pattern_is_refused() {
        for name in
            ["", "/a", "a/", "a//b", "a b", "a\nb", "a\0", "orders/*", "\u{85}", &"x".repeat(257)]
        {
            assert!(Topic::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn an_escaped_value_stays_in_its_segment_and_stays_distinct() {
        assert_eq!(Topic::escape_segment("a/b *%\n"), "a%2Fb%20%2A%25%0A");
        assert_ne!(Topic::escape_segment("a/b"), Topic::escape_segment("a%2Fb"));
        assert_eq!(Topic::escape_segment("ü@x.org"), "ü@x.org");
        assert_eq!(Topic::escape_path("a b/c"), "a%20b/c");
    }

    #[test]
    fn topics_of_two_tenants_differ_in_everything_but_their_name() {
        let [a, b] = ["a", "b"].map(|tenant| Tenant::parse(tenant).unwrap());
        let plain = Topic::parse("orders/1").unwrap();
        let [of_a, of_b] = [plain.within(&a), plain.within(&b)];
        assert_eq!(
            [&of_a, &of_b, &plain].map(|topic| topic.tenant()),
            [Some("a"), Some("b"), None]
        );
        for [one, other] in [[&of_a, &of_b], [&of_a, &plain], [&of_b, &plain]] {
            assert_ne!(one, other);
            assert_ne!(one.as_str(), other.as_str());
            assert_ne!(one.hash(), other.hash());
            assert_ne!(one.tag(), other.tag());
            assert_eq!(one.name(), other.name());
        }
        assert_eq!(of_a.within(&b), of_b);
        for topic in [plain, of_a, of_b] {
            assert_eq!(Topic::restore(topic.as_str()), Ok(topic));
        }
    }

    #[test]
    fn no_name_reaches_into_a_tenant() {
        for name in ["a*orders/1", "*orders/1", "a*"] {
            assert!(Topic::parse(name).is_err(), "{name}");
        }
        for full in ["*a", "a*", "a*b*c", "a b*c", ""] {
            assert!(Topic::restore(full).is_err(), "{full}");
        }
    }

    #[test]
    fn a_debug_print_does_not_show_the_name() {
        let topic = Topic::parse("gmail/alice@example.com").unwrap();
        assert!(!format!("{topic:?}").contains("alice"));
    }
}
