use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::Peer;
use crate::deadline::DeadlineStream;

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct ListenerConfig {
    /// A request's head must be complete within this.
    pub head_within: Duration,
    /// A peer that reads nothing for so long is closed.
    pub slow_after: Duration,
    /// Open requests have so long to end after a stop.
    pub drain_within: Duration,
}

impl Default for ListenerConfig {
    fn default() -> Self {
        Self {
            head_within: Duration::from_secs(15),
            slow_after: Duration::from_secs(30),
            drain_within: Duration::from_secs(9),
        }
    }
}

/// The connection that a request came on; in its extensions.
#[derive(Debug, Clone)]
pub struct Connection {
    dead: CancellationToken,
}

impl Connection {
    /// Cuts the connection at once, with every request on it.
    pub fn cut(&self) {
        self.dead.cancel();
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
    /// What one HTTP/1.1 connection may buffer to be written, beside frames that all share.
    const BUFFER_BYTES: usize = 16 * 1024;

    /// Binds an address.
    ///
    /// # Errors
    ///
    /// The system's, such as an address in use.
    pub async fn bind(address: SocketAddr, config: ListenerConfig) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(address).await?, config })
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
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    prepare(&stream, self.config.slow_after + Self::VANISHED_LATER);
                    let connection = Connection { dead: dead.child_token() };
                    let served = self.connection(
                        stream,
                        Peer(peer),
                        connection,
                        router.clone(),
                        stop.clone(),
                    );
                    connections.spawn(served);
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Self::ACCEPT_PAUSE).await;
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

    fn connection(
        &self,
        stream: TcpStream,
        peer: Peer,
        connection: Connection,
        router: Router,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let ListenerConfig { head_within, slow_after, .. } = self.config;
        async move {
            let io = TokioIo::new(DeadlineStream::new(stream, head_within, slow_after));
            let dead = connection.dead.clone();
            let service = router.map_request(move |mut request: http::Request<Incoming>| {
                request.extensions_mut().insert(peer);
                request.extensions_mut().insert(connection.clone());
                request
            });
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(head_within)
                .max_buf_size(Self::BUFFER_BYTES);
            builder
                .http2()
                .timer(TokioTimer::new())
                .keep_alive_interval(slow_after)
                .keep_alive_timeout(slow_after)
                .max_send_buf_size(Self::BUFFER_BYTES);
            let mut served = pin!(builder.serve_connection(io, TowerToHyperService::new(service)));
            let mut stopping = false;
            loop {
                tokio::select! {
                    // How a connection ended is the peer's business: cut, reset, bad syntax.
                    _ended = served.as_mut() => return,
                    () = dead.cancelled() => return,
                    () = stop.cancelled(), if !stopping => {
                        stopping = true;
                        served.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

/// Frames are small and must leave at once, and a peer that vanished must be noticed while the stream is quiet.
fn prepare(stream: &TcpStream, vanished_after: Duration) {
    let socket = SockRef::from(stream);
    let keepalive =
        TcpKeepalive::new().with_time(vanished_after).with_interval(Duration::from_secs(10));
    let prepared = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_user_timeout(Some(vanished_after)));
    if let Err(error) = prepared {
        tracing::debug!(%error, "could not set socket options");
    }
}
