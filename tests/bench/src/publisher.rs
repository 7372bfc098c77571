use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use httparse::{EMPTY_HEADER, Response, Status};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::template::Template;

/// A keep-alive connection that publishes or pushes, with several requests on their way at once.
#[derive(Debug)]
pub struct Publisher {
    socket: TcpStream,
    template: Template,
    outbox: Vec<u8>,
    inbox: Vec<u8>,
    pub sent: u64,
    pub answered: u64,
    /// It sends no more than this.
    limit: u64,
    /// When the requests that wait were due, if they were at all.
    due: VecDeque<Instant>,
    /// From when a request was due until it was answered.
    pub waited: Vec<Duration>,
}

impl Publisher {
    /// A connection on which [`Self::fill`] sends what the template writes.
    pub fn open(
        address: SocketAddr,
        template: Template,
        registry: &Registry,
        token: Token,
    ) -> anyhow::Result<Self> {
        let socket = std::net::TcpStream::connect(address).context("cannot open a publisher")?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            socket,
            template,
            outbox: Vec::new(),
            inbox: Vec::new(),
            sent: 0,
            answered: 0,
            limit: u64::MAX,
            due: VecDeque::new(),
            waited: Vec::new(),
        })
    }

    pub fn in_flight(&self) -> u64 {
        self.sent - self.answered
    }

    /// Sends no more than so many requests from here on.
    pub fn limit(&mut self, requests: u64) {
        self.limit = self.sent + requests;
    }

    /// Sends until so many requests wait for their answers.
    pub fn fill(&mut self, in_flight: u64) -> anyhow::Result<()> {
        while self.in_flight() < in_flight && self.sent < self.limit {
            self.template.write(&mut self.outbox);
            self.sent += 1;
        }
        self.flush()
    }

    /// Sends one request of its own that was due then.
    pub fn send(&mut self, request: &[u8], due: Instant) -> anyhow::Result<()> {
        self.outbox.extend_from_slice(request);
        self.sent += 1;
        self.due.push_back(due);
        self.flush()
    }

    pub fn flush(&mut self) -> anyhow::Result<()> {
        while !self.outbox.is_empty() {
            match self.socket.write(&self.outbox) {
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("a publisher broke"),
            }
        }
        Ok(())
    }

    /// Takes the answers that have come.
    pub fn read(&mut self, buffer: &mut [u8]) -> anyhow::Result<()> {
        loop {
            match self.socket.read(buffer) {
                // An idle connection may be closed; one that is owed answers may not.
                Ok(0) if self.in_flight() == 0 => break,
                Ok(0) => bail!(
                    "the server closed a publisher's connection, {} of {} publishes answered",
                    self.answered,
                    self.sent
                ),
                Ok(read) => self.inbox.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("a publisher broke"),
            }
        }
        let mut taken = 0;
        while let Some(bytes) = answer(&self.inbox[taken..])? {
            taken += bytes;
            self.answered += 1;
            self.waited.extend(self.due.pop_front().map(|due| due.elapsed()));
        }
        self.inbox.drain(..taken);
        Ok(())
    }
}

/// Sends one request on a connection of its own; answers what came first.
pub fn ask(address: SocketAddr, request: &[u8]) -> anyhow::Result<String> {
    let mut socket = std::net::TcpStream::connect(address)?;
    socket.write_all(request)?;
    let mut bytes = vec![0; 64 * 1024];
    let read = socket.read(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
}

/// A request with a body, and with these headers besides, such as `content-type: text/plain`.
pub fn post(address: SocketAddr, path: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\n{headers}");
    format!("{head}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Length of the answer that `bytes` begin with, once it is whole.
fn answer(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut headers = [EMPTY_HEADER; 32];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(bytes)? else {
        return Ok(None);
    };
    let code = response.code.unwrap_or_default();
    if !(200..300).contains(&code) {
        bail!("a publish was refused: {:?}", String::from_utf8_lossy(bytes));
    }
    let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let length = match length {
        Some(length) => std::str::from_utf8(length.value)?.parse::<usize>()?,
        None if code == 204 => 0,
        None => bail!("an answer without content-length"),
    };
    let whole = head + length;
    Ok((bytes.len() >= whole).then_some(whole))
}
