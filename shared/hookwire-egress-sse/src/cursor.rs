use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_event::{Position, Topic};

/// Where a stream stands in all its topics; its text is the SSE `id:`.
///
/// Over one topic the text is the position, so that the frame can be shared by all streams. Over several it is `v1.`
/// and, in base64url, per topic: tag (6 bytes), generation less the one before (varint), k (varint). With 32 topics
/// of one log that is about 400 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor(Vec<([u8; 6], Position)>);

/// What a client's cursor says of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It stands here.
    At(Position),
    /// It did not follow this topic.
    Absent,
    /// The text is no cursor for these topics.
    Unreadable,
}

const PREFIX: &str = "v1.";

/// What stands behind the cursor of a stream that was evicted, and behind it the second in which that was, in hexadecimal.
///
/// A browser brings it back in `Last-Event-ID` when it comes back by itself, and by nothing else is it told from a new
/// tab.
const EVICTED: &str = ".evicted-";

/// How long a stream that was evicted is told to stay away. A browser comes back within seconds; who comes later with such
/// a cursor has kept it, and wants to go on from there.
const AWAY: Duration = Duration::from_mins(10);

/// The cursor of a stream that is evicted at this time.
pub(crate) fn evicted(cursor: &str, now: SystemTime) -> String {
    format!("{}{EVICTED}{:x}", bare(cursor), unix_s(now))
}

/// Whether a cursor is that of a stream that was evicted just now.
pub(crate) fn is_evicted(text: &str, now: SystemTime) -> bool {
    let at = text.rsplit_once(EVICTED).and_then(|(_, at)| u64::from_str_radix(at, 16).ok());
    at.is_some_and(|at| unix_s(now).abs_diff(at) <= AWAY.as_secs())
}

/// A cursor without the mark of an eviction.
fn bare(text: &str) -> &str {
    text.rsplit_once(EVICTED).map_or(text, |(cursor, _)| cursor)
}

fn unix_s(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Longest text of a cursor that is looked at: 32 topics with the longest numbers there are.
const MAX_BYTES: usize = 2_048;

impl Cursor {
    pub(crate) fn new(positions: impl Iterator<Item = (Topic, Position)>) -> Self {
        Self(positions.map(|(topic, position)| (topic.tag(), position)).collect())
    }

    /// Moves the topic with this index on.
    pub(crate) fn advance(&mut self, index: usize, position: Position) {
        if let Some((_, at)) = self.0.get_mut(index) {
            *at = position;
        }
    }

    pub(crate) fn text(&self) -> String {
        if let [(_, only)] = self.0.as_slice() {
            return only.to_string();
        }
        let mut bytes = Vec::with_capacity(self.0.len() * 12);
        let mut generation = 0;
        for (tag, position) in &self.0 {
            bytes.extend_from_slice(tag);
            write_varint(&mut bytes, position.generation.wrapping_sub(generation));
            write_varint(&mut bytes, position.k);
            generation = position.generation;
        }
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads what a client's cursor says of these topics, in their order.
    pub(crate) fn claims(text: &str, topics: &[Topic]) -> Vec<Claim> {
        // Whoever brings it elsewhere than in the header asks for what follows, as with any cursor.
        let text = bare(text);
        if let ([_], Ok(position)) = (topics, text.parse()) {
            return vec![Claim::At(position)];
        }
        let Some(Self(known)) = Self::parse(text) else {
            return vec![Claim::Unreadable; topics.len()];
        };
        let claim = |topic: &Topic| {
            let tag = topic.tag();
            known
                .iter()
                .find(|(one, _)| *one == tag)
                .map_or(Claim::Absent, |(_, at)| Claim::At(*at))
        };
        topics.iter().map(claim).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (mut rest, mut generation, mut known) = (bytes.as_slice(), 0_u64, Vec::new());
        while !rest.is_empty() {
            let (tag, after) = rest.split_first_chunk()?;
            rest = after;
            generation = generation.wrapping_add(read_varint(&mut rest)?);
            let k = read_varint(&mut rest).filter(|k| *k < u64::MAX)?;
            known.push((*tag, Position::new(generation, k)));
        }
        Some(Self(known))
    }
}

fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        bytes.push(if value > 0 { low | 0x80 } else { low });
        if value == 0 {
            return;
        }
    }
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        value |= bits << shift;
        if bits << shift >> shift != bits {
            return None;
        }
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(count: usize) -> Vec<Topic> {
        (0..count).map(|n| Topic::parse(&format!("topic-{n}")).unwrap()).collect()
    }

    fn cursor(count: u64, position: impl Fn(u64) -> Position) -> Cursor {
        let topics = topics(usize::try_from(count).unwrap());
        Cursor::new(topics.into_iter().zip(0..).map(|(topic, n)| (topic, position(n))))
    }

    #[test]
    fn a_cursor_is_read_back_as_it_was_written() {
        for count in [1, 2, 32] {
            for position in [
                |n| Position::new(1_732_000_000_000, n),
                |n| Position::new(u64::MAX - n, u64::MAX - 1 - n),
                |n| Position::new(n % 2, 0),
            ] {
                let topics = topics(usize::try_from(count).unwrap());
                let claims = Cursor::claims(&cursor(count, position).text(), &topics);
                let written: Vec<_> = (0..count).map(|n| Claim::At(position(n))).collect();
                assert_eq!(claims, written);
            }
        }
    }

    #[test]
    fn a_cursor_over_32_topics_stays_short() {
        let typical = cursor(32, |n| Position::new(1_732_000_000_000, 100_000 + n)).text();
        assert!(typical.len() < 450, "{}", typical.len());
        let longest = cursor(32, |n| Position::new(n % 2, u64::MAX - 1)).text();
        assert!(longest.len() < MAX_BYTES, "{}", longest.len());
    }

    #[test]
    fn a_topic_that_was_not_followed_is_absent_and_order_does_not_matter() {
        let text = cursor(2, |n| Position::new(9, n)).text();
        let [first, second, third] = &topics(3)[..] else { panic!() };
        let asked = [third.clone(), second.clone(), first.clone()];
        let expected =
            [Claim::Absent, Claim::At(Position::new(9, 1)), Claim::At(Position::new(9, 0))];
        assert_eq!(Cursor::claims(&text, &asked), expected);
    }

    #[test]
    fn garbage_is_unreadable_and_never_a_panic() {
        let mut rng = fastrand::Rng::with_seed(7);
        let valid = cursor(3, |n| Position::new(n, n)).text();
        let mut texts: Vec<String> =
            ["", "v1", "v2.AAAA", "1-", "1-2", "v1.%%", "💥"].map(str::to_owned).into();
        texts.push("x".repeat(5_000));
        for _ in 0..2_000 {
            let bytes: Vec<u8> = (0..rng.usize(1..60)).map(|_| rng.u8(..)).collect();
            texts.push(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)));
            texts.push(valid.chars().take(rng.usize(0..valid.len())).collect());
        }
        for text in texts {
            for count in [1, 2] {
                assert_eq!(Cursor::claims(&text, &topics(count)).len(), count);
            }
        }
        assert_eq!(Cursor::claims("7-1", &topics(2)), [Claim::Unreadable; 2]);
    }
}
