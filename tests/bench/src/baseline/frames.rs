use std::fmt::Write;

/// Every frame of a topic, one after the other.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
    text: String,
}

impl Frames {
    /// A topic with more bytes than these gets room for all of a round, which is touched only when used: no copy of
    /// the whole disturbs it.
    const SMALL: usize = 1 << 20;
    const LARGE: usize = 1 << 30;

    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Where the frame with this index begins, or will.
    pub fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.end(before).unwrap_or(self.bytes.len()))
    }

    /// The frame's end, of the frame with this index.
    pub fn end(&self, index: usize) -> Option<usize> {
        self.ends.get(index).copied()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds an event with this data, in the relay's form and of its size, as one chunk of the response.
    pub fn push(&mut self, topic: &str, data: &str) -> anyhow::Result<()> {
        self.text.clear();
        write!(
            self.text,
            "id: 1795255578897-{}\nevent: bench\ndata: {{\"specversion\":\"1.0\",\
             \"id\":\"01a1fd92-343c-7377-bac7-c0b35902d4dd\",\"source\":\"/api\",\"type\":\"bench\",\
             \"subject\":\"{topic}\",\"time\":\"2026-11-21T10:06:19.708Z\",\
             \"datacontenttype\":\"application/json\",\"data\":{data}}}\n\n",
            self.ends.len() + 1
        )?;
        if self.bytes.len() > Self::SMALL && self.bytes.capacity() < Self::LARGE {
            self.bytes.reserve_exact(Self::LARGE);
        }
        self.bytes.extend_from_slice(format!("{:X}\r\n", self.text.len()).as_bytes());
        self.bytes.extend_from_slice(self.text.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self.ends.push(self.bytes.len());
        Ok(())
    }
}
