use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::protocol::{Protocol, Version};
use super::{Connection, ListenerConfig};
use crate::activity::{Activity, Overdue};
use crate::deadline::DeadlineStream;
use crate::seats::Seat;
use crate::{HandOff, Handed, Kept, Peer, Stalled};

/// A connection that was accepted.
pub(super) struct Opened {
    pub(super) peer: Peer,
    pub(super) seat: Seat,
    pub(super) config: ListenerConfig,
    pub(super) connection: Connection,
}

/// What connections that are handed off still have to do with the listener.
pub(super) struct HandOffs {
    /// Cancelled when they have to end at once.
    pub(super) cut: CancellationToken,
    /// What the end of the listener waits for.
    pub(super) tracker: TaskTracker,
}

/// What a connection goes over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Whether it can be handed off.
    const IS_SOCKET: bool;

    /// Its socket, which is then asked for nothing more here.
    fn into_socket(self) -> Option<std::net::TcpStream>;
}

impl Wire for TcpStream {
    const IS_SOCKET: bool = true;

    fn into_socket(self) -> Option<std::net::TcpStream> {
        self.into_std().ok()
    }
}

impl Opened {
    /// Serves it until its end, or until it is handed off.
    pub(super) async fn serve<S: Wire>(
        self,
        stream: S,
        hand_offs: HandOffs,
        router: Router,
        stop: CancellationToken,
    ) {
        let Self { peer, seat, config, connection } = self;
        let activity = Activity::new(config.patience(), seat);
        let stalled = Stalled::default();
        let dead = connection.dead.clone();
        let mut stream =
            DeadlineStream::new(stream, Arc::clone(&activity), config.slow_after, stalled.clone());
        let version = tokio::select! {
            version = Version::of(&mut stream) => version,
            () = dead.cancelled() => return,
            overdue = activity.overdue() => return overdue.count(),
            () = stop.cancelled() => return,
        };
        let Ok(version) = version else { return };
        let is_one_of_many = version == Version::Http2;
        let hand_off = (S::IS_SOCKET && !is_one_of_many).then(|| HandOff::new(hand_offs.cut));
        if let Some(hand_off) = &hand_off {
            stream.offer(hand_off.clone());
        }
        let (of_requests, offered) = (stalled.clone(), hand_off.clone());
        let service_activity = Arc::clone(&activity);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let asked = service_activity.asked(is_one_of_many);
            let version = request.version();
            let extensions = request.extensions_mut();
            extensions.insert(peer);
            extensions.insert(of_requests.clone());
            if is_one_of_many {
                extensions.insert(connection.clone());
            }
            if let Some(hand_off) = &offered
                && version == http::Version::HTTP_11
            {
                extensions.insert(hand_off.clone());
            }
            let answer = router.clone().oneshot(request);
            async move {
                let answer: Response = answer.await?;
                Ok::<_, Infallible>(answer.map(|body| asked.with(body)))
            }
        });
        let mut protocol = Protocol::new(version, stream, service, config.slow_after);
        let mut stopping = false;
        let taker = loop {
            // Each time it had its turn: what it began may be written.
            let served = poll_fn(|cx| match protocol.poll(cx) {
                // How a connection ended is the peer's business: cut, reset, bad syntax.
                Poll::Ready(_ended) => Poll::Ready(None),
                Poll::Pending => match hand_off.as_ref().and_then(HandOff::take) {
                    Some(taker) => Poll::Ready(Some(taker)),
                    None => Poll::Pending,
                },
            });
            tokio::select! {
                served = served => match served {
                    Some(taker) => break taker,
                    None => return,
                },
                () = dead.cancelled() => return,
                overdue = activity.overdue() => {
                    overdue.count();
                    if overdue == Overdue::Slow {
                        stalled.note();
                    }
                    if stopping || overdue != Overdue::Idle {
                        return;
                    }
                    // Over HTTP/2 a request may be on its way, and must be answered or known not to be.
                    stopping = true;
                    activity.once_more();
                    protocol.graceful_shutdown();
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    protocol.graceful_shutdown();
                }
            }
        };
        let Some(seat) = activity.leave_seat() else { return };
        let Some(socket) = protocol.into_stream().and_then(Wire::into_socket) else { return };
        let kept = Kept { _seat: seat, _tracked: hand_offs.tracker.token() };
        taker(Handed { socket, kept });
    }
}
