use std::io::{ErrorKind, Write};

use anyhow::Context;
use httparse::{EMPTY_HEADER, Request, Status};
use mio::net::TcpStream;

use super::Pacing;
use super::frames::Frames;
use super::topics::Topics;

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n\
transfer-encoding: chunked\r\n\r\n29\r\nretry: 3000\n\nid: 1795255578897-00000000\n\n\r\n";
const TAKEN: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// A connection to the bare server.
#[derive(Debug)]
pub struct Connection {
    pub socket: TcpStream,
    inbox: Vec<u8>,
    /// The topic that it follows.
    pub topic: Option<usize>,
    /// Frames handed out whole, and bytes handed out in all.
    next: usize,
    at: usize,
    /// The socket took less than it was given, and has not told since that it takes more.
    blocked: bool,
}

impl Connection {
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, inbox: Vec::new(), topic: None, next: 0, at: 0, blocked: false }
    }

    /// Takes requests; answers whether the connection became a stream.
    pub fn take(&mut self, bytes: &[u8], topics: &mut Topics) -> anyhow::Result<bool> {
        self.inbox.extend_from_slice(bytes);
        let (mut taken, mut answers, mut stream) = (0, Vec::new(), false);
        loop {
            let mut headers = [EMPTY_HEADER; 32];
            let mut request = Request::new(&mut headers);
            let rest = &self.inbox[taken..];
            let Status::Complete(head) = request.parse(rest)? else { break };
            let named = |name: &str| {
                let header = request.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
                header.map(|header| std::str::from_utf8(header.value)).transpose()
            };
            let path = request.path.context("a request has a path")?;
            if let Some(topic) = path.strip_prefix("/events?topic=") {
                answers.extend_from_slice(STREAM);
                let number = topics.number(topic);
                let frames = &topics.get(number).frames;
                let cursor = named("last-event-id")?.and_then(|cursor| cursor.rsplit('-').next());
                self.next = cursor.map_or(Ok(frames.count()), str::parse)?;
                self.at = frames.start(self.next);
                self.topic = Some(number);
                stream = true;
                taken += head;
                continue;
            }
            let topic = path.strip_prefix("/topics/").and_then(|path| path.split('/').next());
            let length = named("content-length")?.unwrap_or("0");
            let whole = head + length.parse::<usize>()?;
            let Some(body) = rest.get(head..whole) else { break };
            topics
                .publish(topic.context("a publish names a topic")?, std::str::from_utf8(body)?)?;
            answers.extend_from_slice(TAKEN);
            taken += whole;
        }
        self.inbox.drain(..taken);
        if stream {
            // It asks nothing more.
            self.inbox = Vec::new();
        }
        self.socket.write_all(&answers)?;
        Ok(stream)
    }

    /// Goes on after the socket was full.
    pub fn unblock(&mut self, topics: &Topics, pacing: Pacing) {
        if let Some(topic) = self.topic
            && std::mem::take(&mut self.blocked)
        {
            self.follow(&topics.get(topic).frames, pacing);
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
