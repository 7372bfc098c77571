use std::io::{ErrorKind, Write};

use httparse::{EMPTY_HEADER, Request, Status};
use mio::net::TcpStream;

use super::Pacing;
use super::frames::Frames;

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n\
transfer-encoding: chunked\r\n\r\n29\r\nretry: 3000\n\nid: 1795255578897-00000000\n\n\r\n";
const TAKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// A connection to the bare server.
#[derive(Debug)]
pub struct Connection {
    pub socket: TcpStream,
    inbox: Vec<u8>,
    /// Frames handed out whole, and bytes handed out in all.
    next: usize,
    at: usize,
    /// The socket took less than it was given, and has not told since that it takes more.
    blocked: bool,
}

impl Connection {
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, inbox: Vec::new(), next: 0, at: 0, blocked: false }
    }

    /// Takes requests; answers whether the connection became a stream.
    pub fn take(&mut self, bytes: &[u8], frames: &mut Frames) -> anyhow::Result<bool> {
        self.inbox.extend_from_slice(bytes);
        let (mut taken, mut answers, mut stream) = (0, Vec::new(), false);
        loop {
            let mut headers = [EMPTY_HEADER; 32];
            let mut request = Request::new(&mut headers);
            let rest = &self.inbox[taken..];
            let Status::Complete(head) = request.parse(rest)? else { break };
            if request.method == Some("GET") {
                answers.extend_from_slice(STREAM);
                (self.next, self.at) = (frames.count(), frames.bytes().len());
                stream = true;
                taken += head;
                continue;
            }
            let named = |h: &&httparse::Header<'_>| h.name.eq_ignore_ascii_case("content-length");
            let length = request.headers.iter().find(named).map_or(&b"0"[..], |h| h.value);
            let whole = head + std::str::from_utf8(length)?.parse::<usize>()?;
            let Some(body) = rest.get(head..whole) else { break };
            frames.push(std::str::from_utf8(body)?)?;
            answers.extend_from_slice(TAKEN);
            taken += whole;
        }
        self.inbox.drain(..taken);
        self.socket.write_all(&answers)?;
        Ok(stream)
    }

    /// Goes on after the socket was full.
    pub fn unblock(&mut self, frames: &Frames, pacing: Pacing) {
        if std::mem::take(&mut self.blocked) {
            self.follow(frames, pacing);
        }
    }

    /// Hands out what is queued.
    pub fn follow(&mut self, frames: &Frames, pacing: Pacing) {
        while !self.blocked && self.next < frames.count() {
            let until = match pacing {
                Pacing::Write => frames.end(self.next).unwrap_or(self.at),
                Pacing::Batch => frames.bytes().len(),
            };
            match self.socket.write(&frames.bytes()[self.at..until]) {
                Ok(written) => {
                    self.at += written;
                    while frames.end(self.next).is_some_and(|end| end <= self.at) {
                        self.next += 1;
                    }
                    self.blocked = self.at < until;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A connection that broke is found by the next read.
                Err(_full_or_broken) => self.blocked = true,
            }
        }
    }
}
