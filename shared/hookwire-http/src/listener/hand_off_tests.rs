//! A connection that is handed off, over a real socket.

use std::io::Write;
use std::sync::Arc;

use axum::extract::Request;
use axum::routing::get;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::*;
use crate::{HandOff, Handed};

/// A server whose answer begins with `begun`; the connections that it hands off, and what stops it.
async fn serve() -> (SocketAddr, mpsc::UnboundedReceiver<Handed>, CancellationToken) {
    let (sender, handed) = mpsc::unbounded_channel();
    let sender = Arc::new(sender);
    let begin = |request: Request| async move {
        let hand_off = request.extensions().get::<HandOff>().expect("it is offered").clone();
        hand_off.body(Bytes::from_static(b"begun\n"), move |handed| sender.send(handed).unwrap())
    };
    let router = Router::new().route("/", get(begin)).route("/short", get(|| async { "short" }));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(any, ListenerConfig::default()).unwrap();
    let (address, stop) = (listener.address().unwrap(), CancellationToken::new());
    tokio::spawn(listener.serve(router, stop.clone()));
    (address, handed, stop)
}

async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        assert!(socket.read_buf(&mut read).await.unwrap() > 0, "cut");
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn who_answers_has_the_socket_when_the_beginning_of_the_answer_is_written() {
    let (address, mut handed, _stop) = serve().await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let head = read_until(&mut socket, "6\r\nbegun\n\r\n").await;
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    let mut handed = handed.recv().await.unwrap();
    handed.socket.write_all(b"5\r\nmore\n\r\n").unwrap();
    read_until(&mut socket, "5\r\nmore\n\r\n").await;
    drop(handed);
    assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_asked_before_on_the_connection_is_answered_before() {
    let (address, mut handed, _stop) = serve().await;
    let mut socket = TcpStream::connect(address).await.unwrap();
    let both = "GET /short HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n";
    socket.write_all(both.as_bytes()).await.unwrap();
    let _handed = handed.recv().await.unwrap();
    let answers = read_until(&mut socket, "6\r\nbegun\n\r\n").await;
    assert!(answers.contains("\r\n\r\nshort"), "{answers}");
}
