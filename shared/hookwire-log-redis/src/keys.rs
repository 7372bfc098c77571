//! Names of everything that the log keeps in Redis.

use hookwire_event::{Event, Topic};
use hookwire_redis::Keys;

/// The keys of one topic, in the order in which its scripts take them, and its channel.
#[derive(Debug)]
pub(crate) struct TopicKeys {
    pub(crate) log: String,
    pub(crate) state: String,
    pub(crate) marks: [String; 2],
    pub(crate) channel: String,
}

impl TopicKeys {
    pub(crate) fn new(keys: &Keys, topic: &Topic) -> Self {
        let tag = keys.tag(&[topic.as_str().as_bytes()]);
        let key = |part: &str| keys.key(&tag, part);
        Self {
            log: key("log"),
            state: key("state"),
            marks: [key("seen:0"), key("seen:1")],
            channel: key("events"),
        }
    }
}

/// The quarantine's entries and its counter.
pub(crate) fn quarantine(keys: &Keys) -> [String; 2] {
    ["entries", "count"].map(|part| keys.key("quarantine", part))
}

/// What stands for an event's identity among the marks of its topic.
pub(crate) fn mark(keys: &Keys, event: &Event) -> [u8; 16] {
    // Neither part can hold a zero byte, so no two pairs give one text.
    keys.digest(&[event.source.as_str().as_bytes(), b"\0", event.id.as_str().as_bytes()])
}

#[cfg(test)]
mod tests {
    use hookwire_log::conformance::event;

    use super::*;

    fn topic_keys(topic: &str) -> TopicKeys {
        TopicKeys::new(&Keys::new("hookwire", "secret"), &Topic::parse(topic).unwrap())
    }

    #[test]
    fn no_key_shows_the_topics_name_and_all_share_its_tag() {
        let keys = topic_keys("gmail/alice@example.com");
        let tag = keys.log.split(['{', '}']).nth(1).unwrap().to_owned();
        for key in [&keys.log, &keys.state, &keys.marks[0], &keys.marks[1], &keys.channel] {
            assert!(!key.contains("alice") && key.contains(&format!("{{{tag}}}")), "{key}");
        }
    }

    #[test]
    fn another_topic_gives_other_keys() {
        assert_ne!(topic_keys("a").log, topic_keys("b").log);
    }

    #[test]
    fn what_belongs_to_the_source_and_what_to_the_id_makes_a_difference() {
        let keys = Keys::new("hookwire", "secret");
        let mut one = event("t", "ab", "");
        let mut two = event("t", "b", "");
        two.source = hookwire_event::SourceUri::parse("/webhooks/testa").unwrap();
        assert_ne!(mark(&keys, &one), mark(&keys, &two));
        one.topic = Topic::parse("u").unwrap();
        assert_eq!(mark(&keys, &one), mark(&keys, &event("t", "ab", "")));
    }
}
