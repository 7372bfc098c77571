use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::Finder;

static ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\nid: "));
static NUMBER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"number\":\""));

/// What one stream has received, checked event by event.
#[derive(Debug)]
pub struct Tally {
    marks: Marks,
    /// Where it stands: a position, unknown before the priming id, or how many numbered events have come.
    last: Option<u64>,
    /// The text of the newest position.
    cursor: Vec<u8>,
    /// Events received, each once and in order.
    pub received: u64,
    /// Events that were passed over.
    pub lost: u64,
    /// Events that came again, or late.
    pub repeated: u64,
}

/// What tells one event from the next.
#[derive(Debug)]
enum Marks {
    /// The server's own positions, `<generation>-<k>`.
    Positions,
    /// Numbers in the data, `<publisher>-<n>`, and the next one of each publisher.
    Numbers(Vec<u64>),
}

impl Tally {
    /// Digits of a publisher's number, and of an event's.
    const DIGITS: (usize, usize) = (3, 10);

    pub fn by_position() -> Self {
        Self::new(Marks::Positions, None)
    }

    pub fn by_number() -> Self {
        Self::new(Marks::Numbers(Vec::new()), Some(0))
    }

    fn new(marks: Marks, last: Option<u64>) -> Self {
        Self { marks, last, cursor: Vec::new(), received: 0, lost: 0, repeated: 0 }
    }

    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// What a client would send to resume.
    pub fn cursor(&self) -> String {
        String::from_utf8_lossy(&self.cursor).into_owned()
    }

    /// Takes every whole mark in `bytes`; answers how many bytes at the end are to be seen again with what comes next.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let finder = match self.marks {
            Marks::Positions => &*ID,
            Marks::Numbers(_) => &*NUMBER,
        };
        // Where the last mark ended, and how far from there the next one began.
        let (mut at, mut gap) = (0, 0);
        loop {
            // Frames of one size follow one another: look where the next one should begin before searching.
            let expected = bytes.get(at + gap..at + gap + finder.needle().len());
            let found = match expected {
                Some(there) if gap > 0 && there == finder.needle() => Some(at + gap),
                _ => finder.find(&bytes[at..]).map(|offset| at + offset),
            };
            let Some(start) = found else {
                return partial(&bytes[at..], finder.needle());
            };
            let mark = start + finder.needle().len();
            let Some(length) = self.length(&bytes[mark..]) else {
                return bytes.len() - start;
            };
            let text = &bytes[mark..mark + length];
            match &mut self.marks {
                Marks::Positions => self.position(text),
                Marks::Numbers(_) => self.number(text),
            }
            gap = if at > 0 { start - at } else { 0 };
            at = mark + length;
        }
    }

    /// How long the mark is that `bytes` begin with, if it is whole.
    fn length(&self, bytes: &[u8]) -> Option<usize> {
        match self.marks {
            Marks::Positions => memchr(b'\n', bytes),
            Marks::Numbers(_) => {
                let whole = Self::DIGITS.0 + 1 + Self::DIGITS.1;
                (bytes.len() >= whole).then_some(whole)
            }
        }
    }

    /// Takes the text of a position.
    fn position(&mut self, text: &[u8]) {
        let k = number(text.rsplit(|byte| *byte == b'-').next().unwrap_or_default());
        match self.last {
            None => {}
            Some(last) if k <= last => {
                self.repeated += 1;
                return;
            }
            Some(last) => {
                self.lost += k - last - 1;
                self.received += 1;
            }
        }
        self.last = Some(k);
        self.cursor.clear();
        self.cursor.extend_from_slice(text);
    }

    /// Takes the text of a number.
    fn number(&mut self, text: &[u8]) {
        let Marks::Numbers(next) = &mut self.marks else { return };
        let (publisher, n) = text.split_at(Self::DIGITS.0);
        let publisher = usize::try_from(number(publisher)).unwrap_or(0);
        let n = number(&n[1..]);
        if next.len() <= publisher {
            next.resize(publisher + 1, 0);
        }
        let expected = &mut next[publisher];
        if n < *expected {
            self.repeated += 1;
            return;
        }
        self.lost += n - *expected;
        *expected = n + 1;
        self.received += 1;
        self.last = Some(self.received);
    }
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number: u64, digit| {
        number.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

/// Bytes at the end that may be the beginning of a mark.
fn partial(bytes: &[u8], needle: &[u8]) -> usize {
    let longest = bytes.len().min(needle.len() - 1);
    (0..=longest).rev().find(|&n| bytes.ends_with(&needle[..n])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let frame = |k| format!("id: 1795-{k}\nevent: x\ndata: {{}}\n\n\r\n");
        let text: String = numbers.into_iter().map(frame).collect();
        format!("head\r\n\r\n{text}").into_bytes()
    }

    fn numbered(numbers: impl IntoIterator<Item = (u64, u64)>) -> Vec<u8> {
        let frame = |(p, n)| format!("data: {{\"number\":\"{p:03}-{n:010}\"}}\n\n");
        numbers.into_iter().map(frame).collect::<String>().into_bytes()
    }

    #[test]
    fn every_frame_is_counted_wherever_a_read_ends() {
        let by_position = (Tally::by_position as fn() -> Tally, frames(0..=120));
        let by_number =
            (Tally::by_number as fn() -> Tally, numbered((0..120).map(|n| (n % 2, n / 2))));
        for (tally, bytes) in [by_position, by_number] {
            for size in 1..40 {
                let (mut tally, mut kept) = (tally(), Vec::new());
                for read in bytes.chunks(size) {
                    kept.extend_from_slice(read);
                    let again = tally.take(&kept);
                    kept.drain(..kept.len() - again);
                }
                assert_eq!((tally.received, tally.lost, tally.repeated), (120, 0, 0), "{size}");
            }
        }
    }

    #[test]
    fn lost_and_repeated_frames_are_told_apart() {
        let mut tally = Tally::by_position();
        tally.take(&frames([7, 8, 8, 9, 12, 11, 13]));
        assert_eq!((tally.received, tally.lost, tally.repeated), (4, 2, 2));
        assert_eq!(tally.cursor(), "1795-13");
        let mut tally = Tally::by_number();
        tally.take(&numbered([(0, 0), (1, 0), (1, 0), (1, 1), (1, 4), (0, 1)]));
        assert_eq!((tally.received, tally.lost, tally.repeated), (5, 2, 1));
    }
}
