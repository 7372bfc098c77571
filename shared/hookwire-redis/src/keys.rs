use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use hookwire_event::{Event, Topic};
use sha2::Sha256;

/// Names of everything in Redis.
///
/// A topic's name may hold a mail address and key names show up in monitoring, so a keyed hash stands for it. All keys
/// of a topic share a hash tag: one script, one slot.
#[derive(Clone)]
pub(crate) struct Keys {
    namespace: Arc<str>,
    hash: Hmac<Sha256>,
}

/// The keys of one topic, in the order in which its scripts take them, and its channel.
#[derive(Debug)]
pub(crate) struct TopicKeys {
    pub(crate) log: String,
    pub(crate) state: String,
    pub(crate) marks: [String; 2],
    pub(crate) channel: String,
}

impl Keys {
    /// `secret` keeps names from being guessed by whoever sees the keys; every process must have the same.
    pub(crate) fn new(namespace: &str, secret: &str) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let hash = Hmac::new_from_slice(secret.as_bytes()).expect("any length is a key");
        Self { namespace: namespace.into(), hash }
    }

    pub(crate) fn topic(&self, topic: &Topic) -> TopicKeys {
        let key = |part: &str| format!("{}:{{{}}}:{part}", self.namespace, self.tag(topic));
        TopicKeys {
            log: key("log"),
            state: key("state"),
            marks: [key("seen:0"), key("seen:1")],
            channel: key("events"),
        }
    }

    /// The quarantine's entries and its counter.
    pub(crate) fn quarantine(&self) -> [String; 2] {
        ["entries", "count"].map(|part| format!("{}:{{quarantine}}:{part}", self.namespace))
    }

    /// A key that is written to see whether one can be.
    pub(crate) fn probe(&self) -> String {
        format!("{}:{{probe}}", self.namespace)
    }

    /// What stands for an event's identity among the marks of its topic.
    pub(crate) fn mark(&self, event: &Event) -> [u8; 16] {
        // Neither part can hold a zero byte, so no two pairs give one text.
        self.digest(&[event.source.as_str().as_bytes(), b"\0", event.id.as_str().as_bytes()])
    }

    fn tag(&self, topic: &Topic) -> String {
        let digest = self.digest(&[topic.as_str().as_bytes()]);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut hash = self.hash.clone();
        parts.iter().for_each(|part| hash.update(part));
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(hash.finalize().into_bytes()) {
            *to = from;
        }
        digest
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hookwire_log::conformance::event;

    use super::*;

    fn keys(topic: &str) -> TopicKeys {
        Keys::new("hookwire", "secret").topic(&Topic::parse(topic).unwrap())
    }

    #[test]
    fn no_key_shows_the_topics_name_and_all_share_its_tag() {
        let keys = keys("gmail/alice@example.com");
        let tag = keys.log.split(['{', '}']).nth(1).unwrap().to_owned();
        for key in [&keys.log, &keys.state, &keys.marks[0], &keys.marks[1], &keys.channel] {
            assert!(!key.contains("alice") && key.contains(&format!("{{{tag}}}")), "{key}");
        }
    }

    #[test]
    fn another_topic_or_secret_gives_other_keys() {
        assert_ne!(keys("a").log, keys("b").log);
        let other = Keys::new("hookwire", "other").topic(&Topic::parse("a").unwrap());
        assert_ne!(keys("a").log, other.log);
    }

    #[test]
    fn what_belongs_to_the_source_and_what_to_the_id_makes_a_difference() {
        let keys = Keys::new("hookwire", "secret");
        let mut one = event("t", "ab", "");
        let mut two = event("t", "b", "");
        two.source = hookwire_event::SourceUri::parse("/webhooks/testa").unwrap();
        assert_ne!(keys.mark(&one), keys.mark(&two));
        one.topic = Topic::parse("u").unwrap();
        assert_eq!(keys.mark(&one), keys.mark(&event("t", "ab", "")));
    }
}
