use bytes::{Bytes, BytesMut};

/// What ends an answer in chunks.
pub const LAST_CHUNK: Bytes = Bytes::from_static(b"0\r\n\r\n");

/// Bytes in the chunked coding of HTTP/1.1.
///
/// Source: RFC 9112, section 7.1.
#[derive(Debug)]
pub struct Chunk(BytesMut);

impl Chunk {
    /// Room for a size of eight digits and its end of line.
    const HEAD: usize = 10;

    /// One that will hold about so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut chunk = BytesMut::with_capacity(Self::HEAD + bytes + 2);
        chunk.extend_from_slice(&[0; Self::HEAD]);
        Self(chunk)
    }

    /// Adds to its content.
    pub fn push(&mut self, content: &[u8]) {
        self.0.extend_from_slice(content);
    }

    /// What goes over the wire.
    #[must_use]
    pub fn framed(mut self) -> Bytes {
        let size = self.0.len() - Self::HEAD;
        let head = format!("{size:X}\r\n");
        let unused = Self::HEAD - head.len();
        if let Some(place) = self.0.get_mut(unused..Self::HEAD) {
            place.copy_from_slice(head.as_bytes());
        }
        self.0.extend_from_slice(b"\r\n");
        self.0.freeze().split_off(unused)
    }

    /// `content` as one chunk.
    #[must_use]
    pub fn of(content: &[u8]) -> Bytes {
        let mut chunk = Self::with_capacity(content.len());
        chunk.push(content);
        chunk.framed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_says_its_size_in_front() {
        assert_eq!(Chunk::of(b":\n\n"), "3\r\n:\n\n\r\n");
        let mut chunk = Chunk::with_capacity(0);
        chunk.push(&[b'a'; 200]);
        chunk.push(&[b'b'; 100]);
        let framed = format!("12C\r\n{}{}\r\n", "a".repeat(200), "b".repeat(100));
        assert_eq!(chunk.framed(), framed);
    }
}
