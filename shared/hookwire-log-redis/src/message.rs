use std::sync::Arc;

use bytes::Bytes;
use hookwire_event::{Position, Topic, decode_record};
use hookwire_log::{Accepted, Entry};

/// What was published on a topic's channel: its new entries, in order.
#[derive(Debug)]
pub(crate) struct Message {
    /// The entries, if every one came along.
    pub(crate) entries: Option<Vec<Entry>>,
    /// Where the last one stands.
    pub(crate) last: Position,
}

impl Message {
    /// Reads what the append script publishes: for each entry a line with its position, the one before it, the length of
    /// its record, and when its append was asked for, then the record; `-` instead of the length when the record is only in
    /// the log. A version before this one does not say when, and reads no more than it knows.
    pub(crate) fn parse(topic: &Topic, payload: Vec<u8>) -> Option<Self> {
        let mut rest = Bytes::from(payload);
        let (mut entries, mut last) = (Some(Vec::new()), None);
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let line = rest.split_to(end + 1);
            let mut words = std::str::from_utf8(line.get(..end)?).ok()?.split(' ');
            let position: Position = words.next()?.parse().ok()?;
            let previous: Position = words.next()?.parse().ok()?;
            last = Some(position);
            match words.next()? {
                "-" => entries = None,
                size => {
                    let size: usize = size.parse().ok().filter(|size| *size <= rest.len())?;
                    let event = decode_record(topic, &rest.split_to(size)).ok()?;
                    let accepted = words.next().and_then(|us| Accepted::at_us(us.parse().ok()?));
                    let entry = Entry { position, previous, event: Arc::new(event), accepted };
                    entries.iter_mut().for_each(|entries| entries.push(entry.clone()));
                }
            }
        }
        Some(Self { entries, last: last? })
    }
}

#[cfg(test)]
mod tests {
    use hookwire_event::encode_record;
    use hookwire_log::conformance::event;

    use super::*;

    fn topic() -> Topic {
        Topic::parse("t").unwrap()
    }

    fn line(position: &str, previous: &str, record: &[u8]) -> Vec<u8> {
        [format!("{position} {previous} {} 1700000000000000\n", record.len()).as_bytes(), record]
            .concat()
    }

    #[test]
    fn every_entry_of_a_call_comes_in_one_message() {
        let records = ["a\n1", "b"].map(|text| {
            encode_record(&event("t", text.split_once('\n').map_or(text, |(id, _)| id), text))
        });
        let payload = [line("7-1", "5-9", &records[0]), line("7-2", "7-1", &records[1])].concat();
        let message = Message::parse(&topic(), payload).unwrap();
        let entries = message.entries.unwrap();
        let places =
            entries.iter().map(|entry| (entry.previous.to_string(), entry.position.to_string()));
        let expected = [("5-9", "7-1"), ("7-1", "7-2")];
        assert_eq!(places.collect::<Vec<_>>(), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(entries[0].event.id.as_str(), "a");
        assert_eq!(entries[0].accepted.map(Accepted::as_us), Some(1_700_000_000_000_000));
    }

    #[test]
    fn what_an_earlier_version_publishes_does_not_say_when_it_was_accepted() {
        let record = encode_record(&event("t", "a", "a"));
        let payload = [format!("7-1 7-0 {}\n", record.len()).as_bytes(), &record].concat();
        let entries = Message::parse(&topic(), payload).unwrap().entries.unwrap();
        assert_eq!(entries[0].accepted, None);
    }

    #[test]
    fn a_record_that_does_not_come_along_is_only_a_hint() {
        let record = encode_record(&event("t", "b", "b"));
        let payload = [b"7-1 7-0 -\n".to_vec(), line("7-2", "7-1", &record)].concat();
        let message = Message::parse(&topic(), payload).unwrap();
        assert!(message.entries.is_none());
        assert_eq!(message.last, Position::new(7, 2));
    }

    #[test]
    fn what_nobody_of_ours_published_is_refused_and_no_panic() {
        for payload in [
            &b""[..],
            b"x",
            b"\n",
            b"7-1\n",
            b"7-1 7-0\n",
            b"7-1 7-0 9\nshort",
            b"7-1 7-0 1\nx",
            b"\xff \xff 0\n",
        ] {
            assert!(Message::parse(&topic(), payload.to_vec()).is_none(), "{payload:?}");
        }
    }
}
