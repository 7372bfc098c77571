use std::fmt::Write;

/// Every frame of the topic, one after the other.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
    text: String,
}

impl Frames {
    pub fn new() -> Self {
        // Room that is touched only when used, so that no copy of the whole disturbs a round.
        Self { bytes: Vec::with_capacity(1 << 30), ends: Vec::new(), text: String::new() }
    }

    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The frame's end, of the frame with this index.
    pub fn end(&self, index: usize) -> Option<usize> {
        self.ends.get(index).copied()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds an event with this data, in the relay's form and of its size, as one chunk of the response.
    pub fn push(&mut self, data: &str) -> anyhow::Result<()> {
        self.text.clear();
        write!(
            self.text,
            "id: 1795255578897-{}\nevent: bench\ndata: {{\"specversion\":\"1.0\",\
             \"id\":\"01a1fd92-343c-7377-bac7-c0b35902d4dd\",\"source\":\"/api\",\"type\":\"bench\",\
             \"subject\":\"bench\",\"time\":\"2026-11-21T10:06:19.708Z\",\
             \"datacontenttype\":\"application/json\",\"data\":{data}}}\n\n",
            self.ends.len() + 1
        )?;
        self.bytes.extend_from_slice(format!("{:X}\r\n", self.text.len()).as_bytes());
        self.bytes.extend_from_slice(self.text.as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        self.ends.push(self.bytes.len());
        Ok(())
    }
}
