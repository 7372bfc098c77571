use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};

use clap::ValueEnum;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};

mod connection;
mod frames;
mod topics;

use connection::Connection;
use topics::Topics;

/// How the bare server hands events out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pacing {
    /// One `write(2)` per connection and event: what most servers amount to.
    Write,
    /// Everything queued for a connection in one `write(2)`.
    Batch,
}

const LISTENER: Token = Token(usize::MAX - 1);

/// Serves as bare as it gets: an epoll loop, one shared buffer of frames for each topic, a place in it per connection.
///
/// It takes the same requests as the relay and writes the same frames, with neither memory nor care for anything else.
pub fn serve(pacing: Pacing) -> anyhow::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    let mut events = Events::with_capacity(4_096);
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut topics = Topics::default();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        if let Err(error) = poll.poll(&mut events, None)
            && error.kind() != std::io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        for event in &events {
            let Token(token) = event.token();
            if event.token() == LISTENER {
                while let Ok((mut socket, _)) = listener.accept() {
                    socket.set_nodelay(true)?;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut socket, Token(connections.len()), both)?;
                    connections.push(Some(Connection::new(socket)));
                }
                continue;
            }
            let Some(Some(connection)) = connections.get_mut(token) else { continue };
            if event.is_writable() {
                connection.unblock(&topics, pacing);
            }
            if !event.is_readable() {
                continue;
            }
            let read = match connection.socket.read(&mut buffer) {
                Ok(0) => {
                    connections[token] = None;
                    continue;
                }
                Ok(read) => read,
                Err(_nothing_there) => continue,
            };
            if connection.take(&buffer[..read], &mut topics)?
                && let Some(topic) = connection.topic
            {
                connection.follow(&topics.get(topic).frames, pacing);
                topics.follow(topic, token);
            }
            if pacing == Pacing::Write {
                hand_out(&mut connections, &mut topics, pacing);
            }
        }
        hand_out(&mut connections, &mut topics, pacing);
    }
}

/// Serves the streams of every topic that was published to.
fn hand_out(connections: &mut [Option<Connection>], topics: &mut Topics, pacing: Pacing) {
    while let Some(topic) = topics.take_published() {
        for stream in &topic.streams {
            if let Some(connection) = &mut connections[*stream] {
                connection.follow(&topic.frames, pacing);
            }
        }
    }
}
