use std::fmt;
use std::sync::Arc;

/// Longest id, type or source in bytes; they are carried in every frame and in every key of deduplication.
const MAX_BYTES: usize = 256;

/// Why a text is no id, type or source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{noun} has 1 to {MAX_BYTES} bytes without control characters")]
pub struct InvalidName {
    noun: &'static str,
}

fn parse(noun: &'static str, text: &str) -> Result<Arc<str>, InvalidName> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if text.is_empty()
        || text.len() > MAX_BYTES
        || (!is_plain && text.chars().any(char::is_control))
    {
        return Err(InvalidName { noun });
    }
    Ok(text.into())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses a text of 1 to 256 bytes without control characters.
            ///
            /// # Errors
            ///
            /// [`InvalidName`] when it is none.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                parse($noun, text).map(Self)
            }

            /// The text as it was parsed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The identity that the source gave its notification: with the source, the key of deduplication.
    EventId, "an event id"
}
name! {
    /// The CloudEvents `type`, which is also the SSE event name.
    EventType, "an event type"
}
name! {
    /// The CloudEvents `source`: who gave the event its id.
    SourceUri, "a source"
}

impl EventType {
    /// How the types of the relay's own control events begin; nobody else's do, or a subscriber would believe them.
    pub const CONTROL: &'static str = "hookwire.";

    /// Whether this is the type of a control event.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.as_str().starts_with(Self::CONTROL)
    }
}

impl SourceUri {
    /// Where the sources of webhooks live; a publisher by API may not speak in their name, or it could have a
    /// genuine notification taken for a duplicate.
    pub const WEBHOOKS: &'static str = "/webhooks/";

    /// Whether this source is one of a webhook.
    #[must_use]
    pub fn is_webhook(&self) -> bool {
        self.as_str().starts_with(Self::WEBHOOKS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_never_gets_into_a_name() {
        for text in ["", "a\nb", "a\rb", "a\0b", "\u{7f}", &"x".repeat(257)] {
            assert!(EventType::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(EventId::parse("2070443601311540").unwrap().as_str(), "2070443601311540");
    }
}
