use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hookwire_event::{Event, Position, Topic, decode_record, encode_record};
use hookwire_log::Quarantined;
use serde::{Deserialize, Serialize};

/// What a message of the queue carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was accepted, in microseconds since the Unix epoch; those of one process differ and rise.
    pub accepted_at_us: u64,
    /// What was accepted.
    pub content: Content,
}

/// What was accepted and must not be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An event, and what the log said when it was to be appended.
    Event(Event, InLog),
    /// A notification that can never become an event, and for which there was no quarantine.
    Quarantined(Quarantined),
}

/// Whether an event is in the log, as far as was known when it went to the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InLog {
    /// The log did not take it.
    No,
    /// The log was asked and did not answer.
    Perhaps,
    /// It was appended here, and may get lost with the server.
    At {
        /// The position's generation.
        generation: u64,
        /// The position's number in it.
        k: u64,
    },
}

impl From<Position> for InLog {
    fn from(position: Position) -> Self {
        Self::At { generation: position.generation, k: position.k }
    }
}

/// A message that cannot be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableRecord {
    /// No relay wrote it, or it is damaged.
    #[error("the message is no record of this relay, or it is damaged")]
    Damaged,
    /// A later relay wrote it.
    #[error("the record has version {version}, this relay reads {VERSION}")]
    Version {
        /// The version that it names.
        version: u32,
    },
}

/// Version of the layout: what stands before the first colon of the text.
const VERSION: u32 = 1;
/// Larger records are compressed; a queue is paid by pieces of 64 KiB.
const PLAIN_BYTES: usize = 16 * 1024;
/// Largest record that is unpacked: a message of a few bytes must not fill the memory.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Stored {
    accepted_at_us: u64,
    content: StoredContent,
}

#[derive(Serialize, Deserialize)]
enum StoredContent {
    Event {
        topic: String,
        record: Vec<u8>,
        in_log: InLog,
    },
    Quarantined {
        source: String,
        reason: String,
        received_at_ms: u64,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
}

impl Record {
    /// Writes the record as text that any queue takes: version, form, base64.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "writing plain data to a growing Vec cannot fail"
    )]
    pub fn encode(&self) -> String {
        let content = match &self.content {
            Content::Event(event, in_log) => StoredContent::Event {
                topic: event.topic.as_str().to_owned(),
                record: encode_record(event),
                in_log: *in_log,
            },
            Content::Quarantined(notification) => StoredContent::Quarantined {
                source: notification.source.clone(),
                reason: notification.reason.clone(),
                received_at_ms: notification.received_at_ms,
                headers: notification.headers.clone(),
                body: notification.body.to_vec(),
            },
        };
        let stored = Stored { accepted_at_us: self.accepted_at_us, content };
        #[expect(clippy::expect_used, reason = "it is plain data and a Vec grows")]
        let plain = postcard::to_allocvec(&stored).expect("plain data is always written to a Vec");
        match packed(&plain) {
            Some(packed) => format!("{VERSION}:zlib:{}", STANDARD.encode(packed)),
            None => format!("{VERSION}:plain:{}", STANDARD.encode(plain)),
        }
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    ///
    /// [`UnreadableRecord`] for anything else.
    pub fn decode(text: &str) -> Result<Self, UnreadableRecord> {
        use UnreadableRecord::Damaged;
        let (version, rest) = text.split_once(':').ok_or(Damaged)?;
        match version.parse() {
            Ok(VERSION) => {}
            Ok(version) => return Err(UnreadableRecord::Version { version }),
            Err(_no_number) => return Err(Damaged),
        }
        let (form, base64) = rest.split_once(':').ok_or(Damaged)?;
        let bytes = STANDARD.decode(base64).map_err(|_detail| Damaged)?;
        let plain = match form {
            "plain" => bytes,
            "zlib" => unpacked(&bytes).ok_or(Damaged)?,
            _ => return Err(Damaged),
        };
        let stored: Stored = postcard::from_bytes(&plain).map_err(|_detail| Damaged)?;
        let content = match stored.content {
            StoredContent::Event { topic, record, in_log } => {
                let topic = Topic::restore(&topic).map_err(|_name| Damaged)?;
                let event = decode_record(&topic, &Bytes::from(record));
                Content::Event(event.map_err(|_corrupt| Damaged)?, in_log)
            }
            StoredContent::Quarantined { source, reason, received_at_ms, headers, body } => {
                let body = body.into();
                Content::Quarantined(Quarantined {
                    id: 0,
                    source,
                    reason,
                    received_at_ms,
                    headers,
                    body,
                })
            }
        };
        Ok(Self { accepted_at_us: stored.accepted_at_us, content })
    }
}

/// The same in fewer bytes, when it is worth it.
fn packed(plain: &[u8]) -> Option<Vec<u8>> {
    if plain.len() <= PLAIN_BYTES {
        return None;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < plain.len())
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let read = ZlibDecoder::new(bytes).take(MOST_BYTES).read_to_end(&mut plain).ok()?;
    ((read as u64) < MOST_BYTES).then_some(plain)
}

#[cfg(test)]
mod tests {
    use hookwire_event::{Data, EventId, EventTime, EventType, Payload, SourceUri};

    use super::*;

    fn record(text: &str, in_log: InLog) -> Record {
        let event = Event {
            id: EventId::parse("id").unwrap(),
            source: SourceUri::parse("/webhooks/x").unwrap(),
            topic: Topic::parse("a/ü").unwrap(),
            event_type: EventType::parse("e").unwrap(),
            time: EventTime::from_unix_ms(1),
            data: Data { payload: Payload::Text(text.into()), content_type: None },
            key: Some("k".into()),
            extensions: Vec::new(),
        };
        Record { accepted_at_us: u64::MAX, content: Content::Event(event, in_log) }
    }

    fn quarantined() -> Record {
        let notification = Quarantined {
            id: 0,
            source: "gmail".into(),
            reason: "no JSON".into(),
            received_at_ms: 7,
            headers: vec![("content-type".into(), "application/json".into())],
            body: Bytes::from_static(b"\xff\0"),
        };
        Record { accepted_at_us: 1, content: Content::Quarantined(notification) }
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let long = "0123456789".repeat(100_000);
        let at = InLog::from(Position::new(1_732_000_000_000, 9));
        for record in [
            record("", InLog::No),
            record("x\r\n\0", InLog::Perhaps),
            record(&long, at),
            quarantined(),
        ] {
            let text = record.encode();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "a queue takes text only");
            assert_eq!(Record::decode(&text), Ok(record));
        }
    }

    #[test]
    fn a_long_record_is_compressed_unless_that_makes_it_longer() {
        let long = record(&"0123456789".repeat(100_000), InLog::No).encode();
        assert!(long.starts_with("1:zlib:") && long.len() < 100_000, "{}", long.len());
        let noise: String = std::iter::repeat_with(|| fastrand::char('!'..)).take(20_000).collect();
        let noise = record(&noise, InLog::No);
        assert_eq!(Record::decode(&noise.encode()), Ok(noise));
    }

    #[test]
    fn what_a_later_relay_wrote_names_its_version() {
        let text = record("x", InLog::No).encode().replacen("1:", "2:", 1);
        assert_eq!(Record::decode(&text), Err(UnreadableRecord::Version { version: 2 }));
    }

    #[test]
    fn anything_else_is_an_error_and_no_panic() {
        let text = record("text", InLog::No).encode();
        for end in 0..text.len() {
            let cut = text.get(..end).unwrap();
            assert!(Record::decode(cut).is_err(), "{end}");
        }
        let mut bomb = ZlibEncoder::new(Vec::new(), Compression::fast());
        for _ in 0..129 {
            bomb.write_all(&[0; 1024 * 1024]).unwrap();
        }
        let bomb = format!("1:zlib:{}", STANDARD.encode(bomb.finish().unwrap()));
        for garbage in ["", ":", "1:plain:", "1:plain:!", "1:zlib:AAAA", "x:plain:", "-1:", &bomb] {
            assert_eq!(Record::decode(garbage), Err(UnreadableRecord::Damaged));
        }
    }
}
