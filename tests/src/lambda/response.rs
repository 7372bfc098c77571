use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, BodyDataStream, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::invocation::Fate;
use super::reply::{Chunk, Part, Reply, Streamed};
use super::runtime::Runtime;

/// Most that a buffered answer may have.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MOST_BYTES: usize = 6 << 20;

/// What ends the prelude of a streamed answer.
const SEPARATOR: [u8; 8] = [0; 8];

/// What `lambda_runtime` writes among the data when a body fails, since it knows no other place for it.
const TRAILER: &[u8] = b"Lambda-Runtime-Function-Error-Type";

/// Chunks that wait for a caller that reads slowly.
const AHEAD: usize = 16;

/// An invocation whose answer is being read. Wherever that ends, the invocation does.
struct Answering<'a> {
    runtime: &'a Runtime,
    id: &'a str,
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.runtime.end(self.id);
    }
}

/// Reads what a function answers.
pub(super) async fn response(
    State(runtime): State<Arc<Runtime>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let mut open = None;
    runtime.rules.send_modify(|rules| open = rules.answer(&id));
    let Some((reply, fate)) = open else { return StatusCode::BAD_REQUEST };
    let answering = Answering { runtime: &runtime, id: &id };
    let mode = headers.get("lambda-runtime-function-response-mode");
    if mode.is_some_and(|mode| mode == "streaming") {
        return streamed(answering, reply, fate, body).await;
    }
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let answer: Option<Value> = serde_json::from_slice(&body).ok();
    if answer.is_none() || contains(&body, TRAILER) {
        runtime.broke(format!("a buffered answer is {}", String::from_utf8_lossy(&body)));
    }
    // Whoever waits sees the answer when the process stands still already, if it is to.
    drop(answering);
    drop(reply.send(Reply::Buffered(answer.unwrap_or_default())));
    StatusCode::ACCEPTED
}

async fn streamed(
    answering: Answering<'_>,
    reply: oneshot::Sender<Reply>,
    fate: Fate,
    body: Body,
) -> StatusCode {
    let mut body = body.into_data_stream();
    let Some((prelude, first)) = prelude(&mut body).await else {
        answering.runtime.broke("a streamed answer has no prelude".to_owned());
        return StatusCode::BAD_REQUEST;
    };
    let (parts, receiver) = mpsc::channel(AHEAD);
    drop(reply.send(Reply::Streamed(Streamed { prelude, parts: receiver })));
    let (mut next, mut number, mut before) = (first, 0, Bytes::new());
    loop {
        match fate {
            // What unwinds takes the connection with it.
            Fate::CutAfter(chunks) if number >= chunks => std::panic::resume_unwind(Box::new(())),
            Fate::GoneAfter(chunks) if number >= chunks => return StatusCode::GONE,
            _ => {}
        }
        if !next.is_empty() {
            if contains(&[&before[..], &next[..]].concat(), TRAILER) {
                answering.runtime.broke("an error is written into a stream".to_owned());
            }
            number += 1;
            before = next.clone();
            // A caller that is gone is not the function's concern: it is read to its end.
            drop(parts.send(Part::Chunk(Chunk { at: Instant::now(), bytes: next })).await);
        }
        let read = tokio::select! {
            read = body.next() => read,
            () = parts.closed(), if fate == Fate::GoneWithCaller => return StatusCode::GONE,
        };
        next = match read {
            Some(Ok(bytes)) => bytes,
            Some(Err(_broken_off)) => return StatusCode::BAD_REQUEST,
            None => break,
        };
    }
    drop(answering);
    drop(parts.send(Part::End).await);
    StatusCode::ACCEPTED
}

/// The prelude, and what came behind it at once.
async fn prelude(body: &mut BodyDataStream) -> Option<(Value, Bytes)> {
    let mut head = Vec::new();
    loop {
        head.extend_from_slice(&body.next().await?.ok()?);
        let found = head.windows(SEPARATOR.len()).position(|run| run == SEPARATOR);
        if let Some(length) = found {
            let prelude = serde_json::from_slice(&head[..length]).ok()?;
            return Some((prelude, head.split_off(length + SEPARATOR.len()).into()));
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|run| run == part)
}
