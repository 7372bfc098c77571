use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::Finder;

static ID: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\nid: "));

/// What one stream has received, checked position by position.
#[derive(Debug, Default)]
pub struct Tally {
    /// Position it stands at; unknown before the priming id.
    last: Option<u64>,
    /// Events received, each once and in order.
    pub received: u64,
    /// Positions that were passed over.
    pub lost: u64,
    /// Positions that came again, or late.
    pub repeated: u64,
}

impl Tally {
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Takes every whole `id:` line in `bytes`; answers how many bytes at the end are to be seen again with what
    /// comes next.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        // Where the last `id:` line ended, and how far from there the next one began.
        let (mut at, mut gap) = (0, 0);
        loop {
            // Frames of one size follow one another: look where the next one should begin before searching.
            let expected = bytes.get(at + gap..at + gap + ID.needle().len());
            let found = match expected {
                Some(there) if gap > 0 && there == ID.needle() => Some(at + gap),
                _ => ID.find(&bytes[at..]).map(|offset| at + offset),
            };
            let Some(start) = found else {
                return partial(&bytes[at..]);
            };
            let line = start + ID.needle().len();
            let Some(length) = memchr(b'\n', &bytes[line..]) else {
                return bytes.len() - start;
            };
            self.position(&bytes[line..line + length]);
            gap = if at > 0 { start - at } else { 0 };
            at = line + length;
        }
    }

    /// Takes the text of a position, `<generation>-<k>`.
    fn position(&mut self, text: &[u8]) {
        let digits = text.rsplit(|byte| *byte == b'-').next().unwrap_or_default();
        let k = digits.iter().fold(0, |k: u64, digit| {
            k.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0')))
        });
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
    }
}

/// Bytes at the end that may be the beginning of an `id:` line.
fn partial(bytes: &[u8]) -> usize {
    let longest = bytes.len().min(ID.needle().len() - 1);
    (0..=longest).rev().find(|&n| bytes.ends_with(&ID.needle()[..n])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let frame = |k| format!("id: 1795-{k}\nevent: x\ndata: {{}}\n\n\r\n");
        let text: String = numbers.into_iter().map(frame).collect();
        format!("head\r\n\r\n{text}").into_bytes()
    }

    #[test]
    fn every_frame_is_counted_wherever_a_read_ends() {
        let bytes = frames(0..=120);
        for size in 1..40 {
            let (mut tally, mut kept) = (Tally::default(), Vec::new());
            for read in bytes.chunks(size) {
                kept.extend_from_slice(read);
                let again = tally.take(&kept);
                kept.drain(..kept.len() - again);
            }
            assert_eq!((tally.received, tally.lost, tally.repeated), (120, 0, 0), "{size}");
        }
    }

    #[test]
    fn lost_and_repeated_frames_are_told_apart() {
        let mut tally = Tally::default();
        tally.take(&frames([7, 8, 8, 9, 12, 11, 13]));
        assert_eq!((tally.received, tally.lost, tally.repeated), (4, 2, 2));
    }
}
