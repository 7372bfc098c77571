use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, bail};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::tally::Tally;

/// An open `GET /events`.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    /// The end of the last read, when a line was cut there.
    cut: Vec<u8>,
    pub tally: Tally,
}

impl Stream {
    pub fn open(
        address: SocketAddr,
        topic: &str,
        registry: &Registry,
        token: Token,
    ) -> anyhow::Result<Self> {
        let mut socket = std::net::TcpStream::connect(address).context("cannot open a stream")?;
        let request = format!(
            "GET /events?topic={topic} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\r\n"
        );
        socket.write_all(request.as_bytes())?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { socket, cut: Vec::new(), tally: Tally::default() })
    }

    /// Reads what has come, through a buffer that all streams share; answers how many events that were.
    pub fn read(&mut self, buffer: &mut [u8], closing: bool) -> anyhow::Result<u64> {
        let before = self.tally.received;
        loop {
            let kept = self.cut.len();
            buffer[..kept].copy_from_slice(&self.cut);
            let read = match self.socket.read(&mut buffer[kept..]) {
                Ok(0) => bail!("the server closed a stream after {:?}", self.tally),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("a stream broke"),
            };
            let bytes = &buffer[..kept + read];
            let again = self.tally.take(bytes);
            self.cut.clear();
            self.cut.extend_from_slice(&bytes[bytes.len() - again..]);
            // Edge-triggered epoll tells of what comes after a short read.
            if bytes.len() < buffer.len() && !closing {
                break;
            }
        }
        Ok(self.tally.received - before)
    }
}
