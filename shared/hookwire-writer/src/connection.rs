use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use bytes::{Buf, Bytes};
use hookwire_http::Kept;
use mio::net::TcpStream;

use crate::timers::Tick;

/// One socket, and how far it is.
pub(crate) struct Connection<S> {
    pub(crate) socket: TcpStream,
    pub(crate) serial: u32,
    /// When it comes up next, and when it was to when that was noted.
    pub(crate) due: Tick,
    pub(crate) noted: Tick,
    /// What it is given; `None` while a task fetches.
    pub(crate) supply: Option<Box<S>>,
    /// What the socket has not taken yet.
    rest: Bytes,
    /// Since when it takes nothing.
    pub(crate) blocked: Option<Instant>,
    /// It has not said that it takes more since it took not everything.
    pub(crate) full: bool,
    /// After what was given there is nothing more.
    pub(crate) ended: bool,
    /// It is to be closed.
    pub(crate) gone: bool,
    /// What the peer has sent, and nobody asked for.
    unasked: u16,
    _kept: Kept,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// The socket has taken everything.
    All,
    /// It takes no more for now.
    Some,
    /// It is broken.
    Broken,
}

impl<S> Connection<S> {
    /// A peer that sends more than this while it is answered is no client of a stream.
    const UNASKED: u16 = 16 * 1024;

    pub(crate) fn new(socket: TcpStream, serial: u32, kept: Kept, supply: Box<S>) -> Self {
        Self {
            socket,
            serial,
            due: Tick::MAX,
            noted: Tick::MAX,
            supply: Some(supply),
            rest: Bytes::new(),
            blocked: None,
            full: false,
            ended: false,
            gone: false,
            unasked: 0,
            _kept: kept,
        }
    }

    /// Gives the socket this next; whatever was given before it has taken.
    pub(crate) fn give(&mut self, bytes: Bytes) {
        self.rest = bytes;
    }

    /// Writes what the socket takes.
    pub(crate) fn write(&mut self, now: Instant) -> Wrote {
        while !self.rest.is_empty() {
            match self.socket.write(&self.rest) {
                Ok(0) => return Wrote::Broken,
                Ok(bytes) if bytes < self.rest.len() => {
                    self.rest.advance(bytes);
                    self.blocked = Some(now);
                    self.full = true;
                    return Wrote::Some;
                }
                Ok(_all) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked.get_or_insert(now);
                    self.full = true;
                    return Wrote::Some;
                }
                Err(_broken) => return Wrote::Broken,
            }
        }
        self.rest = Bytes::new();
        self.blocked = None;
        Wrote::All
    }

    /// Reads what nobody asked for; whether the peer is still there.
    pub(crate) fn is_there(&mut self) -> bool {
        let mut ignored = [0; 1_024];
        loop {
            match self.socket.read(&mut ignored) {
                Ok(0) => return false,
                Ok(bytes) => {
                    self.unasked =
                        self.unasked.saturating_add(u16::try_from(bytes).unwrap_or(u16::MAX));
                    if self.unasked > Self::UNASKED {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }
}
