use std::time::Instant;

use axum::body::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::header::HeaderName;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::Stream;
use crate::relay::PATIENCE;

/// What a function answers.
#[derive(Debug)]
pub enum Reply {
    /// The whole answer at once.
    Buffered(Value),
    /// An answer that comes bit by bit.
    Streamed(Streamed),
    /// The error that it reported, or that stands for a process which ended without an answer.
    Failed(Value),
}

impl Reply {
    /// The answer, which must have come at once, or the error.
    ///
    /// # Errors
    ///
    /// What the function reported instead of an answer.
    pub fn buffered(self) -> Result<Value, Value> {
        match self {
            Self::Buffered(answer) => Ok(answer),
            Self::Failed(error) => Err(error),
            Self::Streamed(streamed) => panic!("it is streamed: {}", streamed.prelude),
        }
    }

    /// The answer, which must be a stream.
    #[must_use]
    pub fn streamed(self) -> Streamed {
        match self {
            Self::Streamed(streamed) => streamed,
            other => panic!("it is no stream: {other:?}"),
        }
    }
}

/// An answer that comes bit by bit.
///
/// When this is dropped the function is not told: Lambda does not tell it either.
#[derive(Debug)]
pub struct Streamed {
    /// Status and headers.
    pub prelude: Value,
    pub(crate) parts: mpsc::Receiver<Part>,
}

/// One piece of an answer, as the function wrote it.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// When it came.
    pub at: Instant,
    /// What came.
    pub bytes: Bytes,
}

/// The answer broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the function's answer broke off")]
pub struct Cut;

#[derive(Debug)]
pub(crate) enum Part {
    Chunk(Chunk),
    /// What follows nothing, unlike a channel that is closed.
    End,
}

impl Streamed {
    /// The next piece, or nothing at the end.
    ///
    /// # Errors
    ///
    /// The answer broke off.
    pub async fn chunk(&mut self) -> Result<Option<Chunk>, Cut> {
        match self.parts.recv().await {
            Some(Part::Chunk(chunk)) => Ok(Some(chunk)),
            Some(Part::End) => Ok(None),
            None => Err(Cut),
        }
    }

    /// The same as a client reads it, without the times.
    #[must_use]
    pub fn into_stream(self) -> Stream {
        let headers = self.prelude["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap())
        });
        let headers = headers.collect();
        // What breaks off ends, as it does for a client.
        let body = stream::unfold(self, async |mut streamed| {
            let chunk = streamed.chunk().await.ok().flatten()?;
            Some((chunk.bytes.into(), streamed))
        });
        Stream::of(headers, body.boxed())
    }

    /// Reads until `text` has come, and returns all that was read.
    pub async fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        let reading = async {
            while !read.contains(text) {
                let chunk = self.chunk().await.unwrap().expect("the answer goes on");
                read.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("no {text} comes"));
        read
    }

    /// Reads to the end, and returns all that was read.
    pub async fn rest(&mut self) -> String {
        let mut read = String::new();
        let reading = async {
            while let Some(chunk) = self.chunk().await.unwrap() {
                read.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the answer ends");
        read
    }
}
