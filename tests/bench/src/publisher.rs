use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use httparse::{EMPTY_HEADER, Response, Status};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// A keep-alive connection that publishes, with several requests on their way at once.
#[derive(Debug)]
pub struct Publisher {
    socket: TcpStream,
    request: Vec<u8>,
    outbox: Vec<u8>,
    inbox: Vec<u8>,
    pub sent: u64,
    pub answered: u64,
}

impl Publisher {
    pub fn open(
        address: SocketAddr,
        topic: &str,
        body: &str,
        registry: &Registry,
        token: Token,
    ) -> anyhow::Result<Self> {
        let socket = std::net::TcpStream::connect(address).context("cannot open a publisher")?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let request = format!(
            "POST /topics/{topic}/events?type=bench HTTP/1.1\r\nhost: {address}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (outbox, inbox) = (Vec::new(), Vec::new());
        Ok(Self { socket, request: request.into_bytes(), outbox, inbox, sent: 0, answered: 0 })
    }

    pub fn in_flight(&self) -> u64 {
        self.sent - self.answered
    }

    /// Sends until so many requests wait for their answers.
    pub fn fill(&mut self, in_flight: u64) -> anyhow::Result<()> {
        while self.in_flight() < in_flight {
            self.outbox.extend_from_slice(&self.request);
            self.sent += 1;
        }
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
        }
        self.inbox.drain(..taken);
        Ok(())
    }
}

/// Length of the answer that `bytes` begin with, once it is whole.
fn answer(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut headers = [EMPTY_HEADER; 32];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(bytes)? else {
        return Ok(None);
    };
    ensure!(response.code == Some(200), "a publish was refused: {:?}", response.code);
    let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("an answer without content-length")?;
    let whole = head + std::str::from_utf8(length.value)?.parse::<usize>()?;
    Ok((bytes.len() >= whole).then_some(whole))
}
