use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Socket, Type};

use crate::tally::Tally;

/// An open `GET /events`.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    /// The end of the last read, when a line was cut there.
    cut: Vec<u8>,
    pub tally: Tally,
    /// Bytes received, heads included.
    pub bytes: u64,
}

impl Stream {
    /// Streams that share a local address, so that ports do not run short.
    const PER_ADDRESS: usize = 2_000;

    /// A connection for the stream with this number, which decides which address of this machine it comes from.
    pub fn connect(
        address: SocketAddr,
        number: usize,
        receive_buffer: Option<usize>,
    ) -> anyhow::Result<Socket> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let host = u8::try_from(1 + number / Self::PER_ADDRESS).unwrap_or(1);
        socket.bind(&SocketAddr::from(([127, 0, 0, host], 0)).into())?;
        socket.connect(&address.into()).context("cannot open a stream")?;
        Ok(socket)
    }

    /// Sends `request` on a connection.
    pub fn open(
        socket: Socket,
        request: &[u8],
        tally: Tally,
        registry: &Registry,
        token: Token,
    ) -> anyhow::Result<Self> {
        let mut socket = std::net::TcpStream::from(socket);
        socket.write_all(request)?;
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self { socket, cut: Vec::new(), tally, bytes: 0 })
    }

    /// Is told of nothing more that can be read.
    pub fn mute(&mut self, registry: &Registry) -> anyhow::Result<()> {
        Ok(registry.deregister(&mut self.socket)?)
    }

    /// Is told again, also of what has come meanwhile.
    pub fn unmute(&mut self, registry: &Registry, token: Token) -> anyhow::Result<()> {
        Ok(registry.register(&mut self.socket, token, Interest::READABLE)?)
    }

    /// Whether it is known to follow: the server has said where it stands, or at least that it answers.
    pub fn is_primed(&self) -> bool {
        self.bytes > 0 && self.tally.last().is_some()
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
            if self.bytes == 0 {
                ensure!(
                    bytes.starts_with(b"HTTP/1.1 200"),
                    "a stream was refused: {:?}",
                    head(bytes)
                );
            }
            self.bytes += read as u64;
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

/// What a complaint says of an answer.
fn head(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}
