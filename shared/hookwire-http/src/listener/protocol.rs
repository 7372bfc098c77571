use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::HttpService;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::activity::Answer;
use crate::deadline::DeadlineStream;

/// What an HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What one connection may buffer to be written, beside frames that all share.
const BUFFER_BYTES: usize = 16 * 1024;
/// HTTP/2 streams open at once on one connection. A browser with so many tabs opens a second connection.
const STREAMS: u32 = 100;
/// All headers of one HTTP/2 request, decoded.
const HEADERS_BYTES: u32 = 16 * 1024;
/// HTTP/2 streams that the peer reset before they were looked at; with more, it is only here to reset them.
const RESETS: usize = 20;
/// HTTP/2 streams that were reset because the peer broke the protocol; with more, it is only here for that.
const FAULTS: usize = 100;

/// What a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

impl Version {
    /// Reads until it is known, and gives back what was read.
    pub(super) async fn of<S: AsyncRead + Unpin>(
        stream: &mut DeadlineStream<S>,
    ) -> io::Result<Self> {
        let mut first = BytesMut::with_capacity(PREFACE.len());
        let version = loop {
            if stream.read_buf(&mut first).await? == 0 || !PREFACE.starts_with(&first) {
                break Self::Http1;
            }
            if first.len() == PREFACE.len() {
                break Self::Http2;
            }
        };
        stream.unread(first.freeze());
        Ok(version)
    }
}

type Io<S> = TokioIo<DeadlineStream<S>>;

/// A connection of one of both versions.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all of them are the larger one, and need no box"
)]
pub(super) enum Protocol<S, H: HttpService<Incoming, ResBody = Answer>> {
    Http1(http1::Connection<Io<S>, H>),
    Http2(Pin<Box<http2::Connection<Io<S>, H, TokioExecutor>>>),
}

impl<S, H> Protocol<S, H>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: HttpService<Incoming, ResBody = Answer, Error = std::convert::Infallible> + Unpin,
    H::Future: Send + 'static,
{
    pub(super) fn new(
        version: Version,
        stream: DeadlineStream<S>,
        service: H,
        slow_after: Duration,
    ) -> Self {
        let io = TokioIo::new(stream);
        match version {
            Version::Http1 => Self::Http1(http_1().serve_connection(io, service)),
            Version::Http2 => {
                Self::Http2(Box::pin(http_2(slow_after).serve_connection(io, service)))
            }
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match self {
            Self::Http1(connection) => Pin::new(connection).poll(cx),
            Self::Http2(connection) => connection.as_mut().poll(cx),
        }
    }

    pub(super) fn graceful_shutdown(&mut self) {
        match self {
            Self::Http1(connection) => Pin::new(connection).graceful_shutdown(),
            Self::Http2(connection) => connection.as_mut().graceful_shutdown(),
        }
    }

    /// The stream of an HTTP/1.1 connection, without anything that was made for it.
    pub(super) fn into_stream(self) -> Option<S> {
        match self {
            Self::Http1(connection) => Some(connection.into_parts().io.into_inner().into_inner()),
            Self::Http2(_) => None,
        }
    }
}

fn http_1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // The socket's deadline tells a connection that is idle from one that sends half a head; this one does not.
    builder.header_read_timeout(None).max_buf_size(BUFFER_BYTES);
    builder
}

fn http_2(slow_after: Duration) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(slow_after)
        .keep_alive_timeout(slow_after)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS_BYTES)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(FAULTS)
        .max_send_buf_size(BUFFER_BYTES);
    builder
}
