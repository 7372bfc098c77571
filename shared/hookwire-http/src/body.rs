use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::Problem;

/// Reads a whole request body of at most `max_bytes` that comes within `within`.
///
/// A length announced in front is refused before a byte of it is read.
///
/// # Errors
///
/// A [`Problem`]: 413 when it is too large, 408 when it comes too slowly, 415 when it is compressed, 400 when it ends
/// early.
pub async fn read_body(
    headers: &HeaderMap,
    body: Body,
    max_bytes: usize,
    within: Duration,
) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail =
            format!("the body may have {max_bytes} bytes; send less, or raise HOOKWIRE_MAX_BODY");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    };
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        let detail = "send the body without Content-Encoding";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding", detail));
    }
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > max_bytes) {
        return Err(too_large());
    }
    match in_time(within, Limited::new(body, max_bytes).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_cut)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "body-cut",
            "the body ended before its length",
        )),
        Err(_elapsed) => {
            let detail = format!("the body must come within {} s", within.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body-slow", detail))
        }
    }
}

/// Waits for a body so long.
///
/// What came with its head is there at the second look: the connection hands nothing over before somebody asks. So only
/// what is not there then costs a timer.
async fn in_time<T>(within: Duration, body: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut body = pin!(body);
    let mut looked = false;
    let soon = poll_fn(|cx| match body.as_mut().poll(cx) {
        Poll::Ready(body) => Poll::Ready(Some(body)),
        Poll::Pending if looked => Poll::Ready(None),
        Poll::Pending => {
            looked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    });
    match soon.await {
        Some(body) => Ok(body),
        None => timeout(within, body).await,
    }
}

/// The media type of a body, lower-cased and without parameters; empty when none is given.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> Cow<'_, str> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let value = value.split(';').next().unwrap_or_default().trim();
    match value.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => value.to_ascii_lowercase().into(),
        false => value.into(),
    }
}

/// Whether a media type promises JSON.
#[must_use]
pub fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}
