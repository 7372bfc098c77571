use std::time::Duration;

/// One dispatched event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSentEvent {
    /// The last id seen so far; empty before the first.
    pub id: String,
    /// The event's name; `message` when it has none.
    pub name: String,
    /// Its data lines, joined with LF.
    pub data: String,
}

/// Reads a `text/event-stream` as browsers do, however it is cut into pieces.
///
/// Source: <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
#[derive(Debug, Default)]
pub struct EventParser {
    line: Vec<u8>,
    after_cr: bool,
    begun: bool,
    name: String,
    data: Option<String>,
    /// What the block that is being read says; it counts from its empty line on.
    next_id: String,
    id: String,
    retry: Option<Duration>,
}

impl EventParser {
    /// Takes the next bytes and returns the events that they complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<ServerSentEvent> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if self.after_cr => self.after_cr = false,
                b'\n' | b'\r' => {
                    self.after_cr = *byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_line(&line));
                }
                _ => {
                    self.after_cr = false;
                    self.line.push(*byte);
                }
            }
        }
        events
    }

    /// The last id of a complete block, also of one without data; what a resume names.
    #[must_use]
    pub fn last_id(&self) -> &str {
        &self.id
    }

    /// The pause before a reconnect that the stream asked for last.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn end_line(&mut self, line: &[u8]) -> Option<ServerSentEvent> {
        let line = String::from_utf8_lossy(line);
        let begun = std::mem::replace(&mut self.begun, true);
        let line = if begun { &line } else { line.strip_prefix('\u{feff}').unwrap_or(&line) };
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                let data = self.data.get_or_insert_default();
                data.push_str(value);
                data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.next_id),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<ServerSentEvent> {
        self.id.clone_from(&self.next_id);
        let name = std::mem::take(&mut self.name);
        let mut data = self.data.take()?;
        data.pop();
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(ServerSentEvent { id: self.id.clone(), name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(stream: &[u8], piece: usize) -> Vec<(String, String, String)> {
        let mut parser = EventParser::default();
        let events = stream.chunks(piece).flat_map(|bytes| parser.feed(bytes)).collect::<Vec<_>>();
        events.into_iter().map(|event| (event.id, event.name, event.data)).collect()
    }

    #[test]
    fn a_stream_means_the_same_however_it_is_cut() {
        let stream = "\u{feff}: hi\r\nid: 1\r\nevent: a\rdata: x\ndata:y\n\nid\ndata\n\nid: 2\n\ndata:  z\r\n\r\nevent: lost\n\n";
        let expected: Vec<(String, String, String)> =
            [("1", "a", "x\ny"), ("", "message", ""), ("2", "message", " z")]
                .map(|(id, name, data)| (id.into(), name.into(), data.into()))
                .into();
        for piece in 1..stream.len() {
            assert_eq!(parse(stream.as_bytes(), piece), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn an_event_that_is_cut_in_the_middle_does_not_count() {
        let mut parser = EventParser::default();
        parser.feed(b"id: 1\ndata: a\n\nid: 2\nevent: b\ndata: {\"half");
        assert_eq!(parser.last_id(), "1", "a resume asks for the second again");
    }

    #[test]
    fn an_id_without_data_counts_and_one_with_nul_does_not() {
        let mut parser = EventParser::default();
        assert!(parser.feed(b"retry: 40\nid: 7\n\nid: a\0b\n\nretry: x\n").is_empty());
        assert_eq!(parser.last_id(), "7");
        assert_eq!(parser.retry(), Some(Duration::from_millis(40)));
    }
}
