use bytes::Bytes;
use serde_json::value::RawValue;

/// What the event carries, and its media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The content in the form in which subscribers get it.
    pub payload: Payload,
    /// CloudEvents `datacontenttype`; absent means what the payload's form implies.
    pub content_type: Option<Box<str>>,
}

/// The three forms in which CloudEvents JSON carries content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Valid JSON on one line, numbers and key order as the source wrote them: goes into `data` as it is.
    Json(Bytes),
    /// Text: goes into `data` as a JSON string.
    Text(Box<str>),
    /// Anything else: goes into `data_base64`.
    Binary(Bytes),
}

impl Payload {
    /// Takes a body that was promised to be JSON.
    ///
    /// Line breaks between its tokens become spaces: a frame is one line, and inside strings JSON allows none.
    ///
    /// # Errors
    ///
    /// The parser's error, with line and column, when it is no JSON or nested deeper than 128 levels.
    pub fn json(body: &[u8]) -> Result<Self, serde_json::Error> {
        let text = serde_json::from_slice::<&RawValue>(body)?.get();
        // What opens no more than that is not nested deeper, and counting is much cheaper than reading.
        if count(text, |byte| matches!(byte, b'{' | b'[')) > MAX_NESTING
            && nesting(text) > MAX_NESTING
        {
            return Err(serde::de::Error::custom("nested deeper than 128 levels"));
        }
        if count(text, |byte| matches!(byte, b'\r' | b'\n')) == 0 {
            return Ok(Self::Json(Bytes::copy_from_slice(text.as_bytes())));
        }
        Ok(Self::Json(text.replace(['\r', '\n'], " ").into()))
    }

    /// Takes a body of which nothing is known: a JSON object or array, else text, else bytes.
    ///
    /// A bare number or string is text: as JSON a long number would lose digits in a browser.
    #[must_use]
    pub fn guess(body: &[u8]) -> Self {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(first, Some(b'{' | b'['))
            && let Ok(json) = Self::json(body)
        {
            return json;
        }
        match std::str::from_utf8(body) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Binary(Bytes::copy_from_slice(body)),
        }
    }

    /// The content's bytes; of JSON and text the UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Json(bytes) | Self::Binary(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// The media type that the form implies.
    #[must_use]
    pub fn implied_content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Text(_) => "text/plain; charset=utf-8",
            Self::Binary(_) => "application/octet-stream",
        }
    }
}

/// Deepest nesting passed on as JSON. Many parsers, that of Rust's serde among them, refuse more, and one event that a
/// subscriber cannot parse would meet it again at every resume.
const MAX_NESTING: usize = 128;

/// Adds up in single bytes, of which the processor takes many at once.
fn count(text: &str, counts: impl Fn(u8) -> bool) -> usize {
    let in_chunk = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(counts(*byte))).sum::<u8>();
    text.as_bytes().chunks(usize::from(u8::MAX)).map(|chunk| usize::from(in_chunk(chunk))).sum()
}

fn nesting(valid_json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in valid_json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl From<Payload> for Data {
    fn from(payload: Payload) -> Self {
        Self { payload, content_type: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_comes_out_on_one_line_and_otherwise_untouched() {
        let body = b" {\r\n \"n\": 18446744073709551615,\n \"b\":1.10, \"a\" : \"x\\ny\" }\n";
        let Payload::Json(json) = Payload::json(body).unwrap() else { panic!() };
        assert_eq!(&json[..], br#"{   "n": 18446744073709551615,  "b":1.10, "a" : "x\ny" }"#);
    }

    #[test]
    fn a_body_of_which_nothing_is_known_keeps_every_byte() {
        for body in [
            &b""[..],
            b"hello",
            b"123456789012345678901234567890",
            b"\"quoted\"",
            b"{broken",
            b"a\0b",
            b"data: x\r\nevent: y\n\n",
            "𝄞\u{2028}".as_bytes(),
            b"\xff\xfe",
            b"{\"a\":\"\xff\"}",
        ] {
            assert_eq!(Payload::guess(body).as_bytes(), body);
        }
        assert!(matches!(Payload::guess(b" [1,2]"), Payload::Json(_)));
    }

    #[test]
    fn a_deeply_nested_body_is_text_and_not_a_stack_overflow() {
        let bomb = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(matches!(Payload::guess(bomb.as_bytes()), Payload::Text(_)));
        let [deepest, too_deep] = [128, 129].map(|n| "[".repeat(n) + "\n" + &"]".repeat(n));
        assert!(matches!(Payload::guess(deepest.as_bytes()), Payload::Json(_)));
        assert!(matches!(Payload::guess(too_deep.as_bytes()), Payload::Text(_)));
        let brackets_in_a_string = format!("[\"\\\"{}\"]", "[".repeat(1000));
        assert!(Payload::json(brackets_in_a_string.as_bytes()).is_ok());
    }
}
