use std::collections::VecDeque;
use std::future::ready;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use hookwire_client::{EventParser, ServerSentEvent};
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::relay::PATIENCE;

/// How much of a stream is kept as it came, at least.
const RAW_BYTES: usize = 4 << 20;

/// An open stream of the relay, read by hand.
pub struct Stream {
    /// The response's headers.
    pub headers: HeaderMap,
    /// Ends also where it broke off.
    body: BoxStream<'static, Vec<u8>>,
    parser: EventParser,
    ready: VecDeque<ServerSentEvent>,
    /// The last few MiB as they came.
    pub raw: Vec<u8>,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Sse {
    /// The cursor after it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its data, which is always JSON.
    pub data: Value,
}

impl Sse {
    fn new(event: ServerSentEvent) -> Self {
        let data = serde_json::from_str(&event.data).expect("data is JSON");
        Self { id: event.id, name: event.name, data }
    }

    /// The CloudEvent's `data`.
    #[must_use]
    pub fn payload(&self) -> &Value {
        &self.data["data"]
    }
}

impl Stream {
    pub(crate) fn new(response: Response) -> Self {
        let headers = response.headers().clone();
        // A cut in the middle of a chunk is an end, too.
        let body = response.bytes_stream().take_while(|read| ready(read.is_ok()));
        let body = body.filter_map(|read| ready(read.ok().map(Into::into)));
        Self::of(headers, body.boxed())
    }

    /// A stream with this head and body.
    pub(crate) fn of(headers: HeaderMap, body: BoxStream<'static, Vec<u8>>) -> Self {
        Self {
            headers,
            body,
            parser: EventParser::default(),
            ready: VecDeque::new(),
            raw: Vec::new(),
        }
    }

    /// The next event, or nothing at the end of the stream.
    pub async fn next(&mut self) -> Option<Sse> {
        let next =
            tokio::time::timeout(PATIENCE, self.read(|stream| stream.ready.pop_front())).await;
        next.expect("an event comes, or the stream ends").map(Sse::new)
    }

    /// The next event, which must come.
    pub async fn event(&mut self) -> Sse {
        self.next().await.expect("the stream goes on")
    }

    /// The next event on a stream that must go on, however long that takes.
    pub async fn patient_event(&mut self) -> Sse {
        let event = self.read(|stream| stream.ready.pop_front()).await;
        Sse::new(event.expect("the stream goes on"))
    }

    /// Waits until the stream has named its cursor, and returns it.
    pub async fn primed(&mut self) -> String {
        let id = |stream: &mut Self| {
            let id = stream.parser.last_id();
            (!id.is_empty()).then(|| id.to_owned())
        };
        let primed = tokio::time::timeout(PATIENCE, self.read(id)).await;
        primed.expect("an id comes").expect("the stream goes on")
    }

    /// The pause before a reconnect that the stream asked for last.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.parser.retry()
    }

    /// Reads until the raw bytes contain `text`.
    pub async fn raw_until(&mut self, text: &str) {
        let contains = |stream: &mut Self| {
            stream.raw.windows(text.len()).any(|run| run == text.as_bytes()).then_some(())
        };
        let read = tokio::time::timeout(PATIENCE, self.read(contains)).await;
        read.expect("the text comes").expect("the stream goes on");
    }

    async fn read<T>(&mut self, mut found: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = found(self) {
                return Some(found);
            }
            let bytes = self.body.next().await?;
            self.ready.extend(self.parser.feed(&bytes));
            self.raw.extend_from_slice(&bytes);
            if self.raw.len() > 2 * RAW_BYTES {
                self.raw.drain(..RAW_BYTES);
            }
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("headers", &self.headers).finish_non_exhaustive()
    }
}
