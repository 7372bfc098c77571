use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::network::Network;

/// Serves every connection, and ends them all when it is dropped.
pub(super) async fn accept(listener: TcpListener, network: Arc<Network>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                connections.spawn(serve(stream, Arc::clone(&network)));
            }
            Some(served) = connections.join_next() => served.unwrap(),
        }
    }
}

/// Serves one connection until its client ends it, or the network does.
async fn serve(stream: TcpStream, network: Arc<Network>) {
    let service = service_fn(|request| network.answer(request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        biased;
        () = network.refuses() => None,
        served = &mut connection => Some(served),
    };
    if !matches!(served, Some(Ok(()))) {
        // A reset and not an orderly end: so the client learns of it even while it is sending.
        let stream = connection.into_parts().io.into_inner();
        stream.set_zero_linger().unwrap();
    }
}
