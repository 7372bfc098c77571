mod opened;
mod protocol;

use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use axum::Router;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::opened::{HandOffs, Opened};
use crate::Peer;
use crate::activity::Patience;
use crate::pace::Pace;
use crate::seats::{Caps, Over, Seats};
use crate::trouble::Trouble;

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct ListenerConfig {
    /// A request's head must be complete within this: the first one after the connection was opened, a later one after
    /// its first byte.
    pub head_within: Duration,
    /// A connection between two requests is closed after this. An open stream is a request.
    pub idle_after: Duration,
    /// A peer that reads nothing for so long is closed.
    pub slow_after: Duration,
    /// Open requests have so long to end after a stop.
    pub drain_within: Duration,
    /// Most open connections.
    pub max_connections: NonZeroUsize,
    /// Most of them from one client.
    pub max_per_client: ClientCap,
    /// Connections accepted per second, and at once; what comes faster waits in the system's backlog.
    pub accept_rate: NonZeroU32,
}

/// How many connections one client may have: an IPv4 address, or a /64 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCap {
    /// Half of all, so that nobody can lock out everybody else and many can share an address.
    Half,
    /// So many.
    Most(NonZeroUsize),
    /// Any number: the address at the other end is a proxy's.
    Any,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            head_within: Duration::from_secs(15),
            // Longer than proxies keep theirs, usually a minute: if both ends can close first, a request can meet the end.
            idle_after: Duration::from_secs(75),
            slow_after: Duration::from_secs(30),
            drain_within: Duration::from_secs(9),
            max_connections: NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN),
            max_per_client: ClientCap::Half,
            accept_rate: NonZeroU32::new(20_000).unwrap_or(NonZeroU32::MIN),
        }
    }
}

impl ListenerConfig {
    /// Descriptors for everything but connections: the tables of a log on disk, which keeps up to 900 open, connections to
    /// Redis, and those that are closed but not yet gone. Of a small limit it is a quarter.
    const RESERVED: u64 = 1_024;

    /// Lowers the cap of connections to what a limit of descriptors has room for.
    #[must_use]
    pub fn within(self, descriptors: u64) -> Self {
        let free = descriptors - Self::RESERVED.min(descriptors / 4);
        let free = NonZeroUsize::new(usize::try_from(free).unwrap_or(usize::MAX));
        let max_connections = self.max_connections.min(free.unwrap_or(NonZeroUsize::MIN));
        Self { max_connections, ..self }
    }

    fn caps(&self) -> Caps {
        let all = self.max_connections;
        let client = match self.max_per_client {
            ClientCap::Half => NonZeroUsize::new(all.get().div_ceil(2)),
            ClientCap::Most(most) => Some(most),
            ClientCap::Any => None,
        };
        Caps { all, client }
    }

    fn patience(&self) -> Patience {
        let Self { head_within, idle_after, slow_after, .. } = *self;
        Patience { head_within, idle_after, slow_after }
    }
}

/// What an answer goes out on; in the extensions of requests where nothing below notices that their answer is not taken:
/// of many that share a socket, or behind a platform.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    dead: CancellationToken,
}

impl Connection {
    /// Cuts the connection at once, with every request on it.
    pub fn cut(&self) {
        self.dead.cancel();
    }

    /// Waits until it has to be cut.
    pub async fn is_cut(&self) {
        self.dead.cancelled().await;
    }
}

/// Accepts HTTP/1.1 and HTTP/2 (prior knowledge) in the clear.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    config: ListenerConfig,
}

impl Listener {
    /// Pause after a failed accept: running out of descriptors passes, but not at once.
    const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
    /// How much later than our own deadline, which counts whom it cuts, the system gives up on a peer.
    const VANISHED_LATER: Duration = Duration::from_secs(15);
    /// What waits to be accepted; the system has a limit of its own, 4,096 unless it was raised.
    const BACKLOG: u32 = 4_096;
    /// Binds an address.
    ///
    /// # Errors
    ///
    /// The system's, such as an address in use.
    pub fn bind(address: SocketAddr, config: ListenerConfig) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait until the system has forgotten the connections of the process before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { socket: socket.listen(Self::BACKLOG)?, config })
    }

    /// The address it is bound to, with the port that the system chose when none was given.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop`, then lets open requests end, for `drain_within` at the longest.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let connections = TaskTracker::new();
        let dead = CancellationToken::new();
        let seats = Seats::new(self.config.caps());
        metrics::gauge!("hookwire_connections_max").set(self.config.max_connections.get() as f64);
        let (mut pace, mut trouble) = (Pace::new(self.config.accept_rate), Trouble::default());
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&mut pace) => accepted,
                () = stop.cancelled() => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    trouble.note(&format_args!("could not accept: {error}"));
                    // Most likely descriptors ran out: whoever asks for nothing gives one back.
                    seats.make_room();
                    tokio::time::sleep(Self::ACCEPT_PAUSE).await;
                    continue;
                }
            };
            metrics::counter!("hookwire_connections_accepted_total").increment(1);
            let connection = Connection { dead: dead.child_token() };
            match seats.take(peer.into(), connection.dead.clone()) {
                Ok((seat, vacated)) => {
                    match vacated {
                        Some(over) => {
                            trouble.note(&format_args!("{over}, one without a request made room"));
                        }
                        None => trouble.quiet(),
                    }
                    prepare(&stream, self.config.slow_after + Self::VANISHED_LATER);
                    let hand_offs = HandOffs { cut: dead.clone(), tracker: connections.clone() };
                    let served = Opened { peer, seat, config: self.config, connection };
                    let served = served.serve(stream, hand_offs, router.clone(), stop.clone());
                    connections.spawn(served);
                }
                Err(over) => {
                    refuse(&stream, over);
                    trouble.note(&format_args!("{over}, all have requests"));
                }
            }
        }
        drop(self.socket);
        connections.close();
        if tokio::time::timeout(self.config.drain_within, connections.wait()).await.is_err() {
            tracing::warn!(
                open = connections.len(),
                "cutting connections that did not end in time"
            );
            dead.cancel();
            connections.wait().await;
        }
    }

    async fn accept(&self, pace: &mut Pace) -> io::Result<(TcpStream, Peer)> {
        pace.turn().await;
        let (stream, peer) = self.socket.accept().await?;
        Ok((stream, Peer(peer)))
    }
}

/// Closes a connection that there is no room for, leaving nothing behind: an orderly end would be kept in mind by the
/// system for a minute.
fn refuse(stream: &TcpStream, over: Over) {
    metrics::counter!("hookwire_connections_refused_total", "reason" => over.as_str()).increment(1);
    if let Err(error) = SockRef::from(stream).set_linger(Some(Duration::ZERO)) {
        tracing::debug!(%error, "could not set socket options");
    }
}

/// What the system keeps for a peer beyond what is under way to it. Without a limit that grows to 4 MiB for each of those
/// that read nothing; a limit of the whole buffer would slow down those that are far away.
const UNSENT_BYTES: u32 = 64 * 1024;

/// Frames are small and must leave at once, and a peer that vanished must be noticed while the stream is quiet.
fn prepare(stream: &TcpStream, vanished_after: Duration) {
    let socket = SockRef::from(stream);
    let keepalive =
        TcpKeepalive::new().with_time(vanished_after).with_interval(Duration::from_secs(10));
    let prepared = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT_BYTES))
        .and_then(|()| socket.set_tcp_user_timeout(Some(vanished_after)));
    if let Err(error) = prepared {
        tracing::debug!(%error, "could not set socket options");
    }
}

#[cfg(test)]
mod hand_off_tests;
#[cfg(test)]
mod tests;
