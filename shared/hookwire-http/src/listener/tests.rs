//! Each deadline of a connection, in paused time, over a pipe.

use std::convert::Infallible;
use std::future::pending;

use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Version};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::opened::Wire;
use super::*;

const HOUR: Duration = Duration::from_hours(1);
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A connection to a server with a short answer, one that never ends, one that is larger than any window, and one that
/// takes a whole body.
fn open() -> (DuplexStream, JoinHandle<()>) {
    let quiet = || async {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Result<Frame<Bytes>, Infallible>>();
        sender.send(Ok(Frame::data(Bytes::from_static(b"begun\n")))).unwrap();
        let frames = std::iter::from_fn(move || receiver.try_recv().ok());
        let frames = futures_util::stream::iter(frames);
        let forever = futures_util::stream::once(pending());
        Body::new(StreamBody::new(futures_util::StreamExt::chain(frames, forever)))
    };
    let router = Router::new()
        .route("/short", get(|| async { "short" }))
        .route("/quiet", get(quiet))
        .route("/large", get(|| async { vec![0; 8 << 20] }));
    let config = ListenerConfig::default();
    let caps = Caps { all: NonZeroUsize::MIN, client: None };
    let peer = Peer(([127, 0, 0, 1], 1).into());
    let dead = CancellationToken::new();
    let (seat, _) = Seats::new(caps).take(peer.into(), dead.clone()).unwrap();
    let (near, far) = duplex(64 * 1024);
    let (connection, stop) = (Connection { dead }, CancellationToken::new());
    let hand_offs = HandOffs { cut: CancellationToken::new(), tracker: TaskTracker::new() };
    let opened = Opened { peer, seat, config, connection };
    (near, tokio::spawn(opened.serve(far, hand_offs, router, stop)))
}

impl Wire for DuplexStream {
    const IS_SOCKET: bool = false;

    fn into_socket(self) -> Option<std::net::TcpStream> {
        None
    }
}

async fn lasted(ended: JoinHandle<()>, since: Instant) -> u64 {
    timeout(HOUR, ended).await.expect("it is closed").unwrap();
    since.elapsed().as_secs()
}

async fn ask(socket: &mut DuplexStream, path: &str, answer: &str) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    while !read.ends_with(answer.as_bytes()) {
        socket.read_buf(&mut read).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_say_what_it_wants_is_closed_in_time() {
    for begun in [&b""[..], b"P", b"GET /short HTTP/1.1\r\nhost: a\r\nx", PREFACE] {
        let (since, (mut socket, ended)) = (Instant::now(), open());
        socket.write_all(begun).await.unwrap();
        assert_eq!(lasted(ended, since).await, 15, "{begun:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_has_no_more_time_than_one_that_stops() {
    let (mut socket, ended) = open();
    ask(&mut socket, "/short", "short").await;
    sleep(Duration::from_secs(60)).await;
    let since = Instant::now();
    let trickle = tokio::spawn(async move {
        for byte in "GET /short HTTP/1.1\r\nx: ".bytes().chain(std::iter::repeat(b'x')) {
            if socket.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    assert_eq!(lasted(ended, since).await, 15);
    trickle.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_between_requests_but_not_for_ever() {
    let (mut socket, ended) = open();
    for _ in 0..3 {
        ask(&mut socket, "/short", "short").await;
        sleep(Duration::from_secs(74)).await;
    }
    ask(&mut socket, "/short", "short").await;
    assert_eq!(lasted(ended, Instant::now()).await, 75);
}

#[tokio::test(start_paused = true)]
async fn an_open_stream_is_not_idle_however_quiet_it_is() {
    let (mut socket, ended) = open();
    ask(&mut socket, "/quiet", "begun\n\r\n").await;
    sleep(HOUR).await;
    assert!(!ended.is_finished());
}

#[tokio::test(start_paused = true)]
async fn the_tail_of_an_answer_is_no_idleness_as_long_as_it_is_read() {
    let (mut socket, ended) = open();
    let since = Instant::now();
    socket.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let (mut read, mut buffer) = (0, vec![0; 128 * 1024]);
    while read < 8 << 20 {
        let more = socket.read(&mut buffer).await.unwrap();
        assert!(more > 0, "cut after {read} bytes and {} s", since.elapsed().as_secs());
        read += more;
        sleep(Duration::from_secs(3)).await;
    }
    assert!(since.elapsed() > Duration::from_secs(200));
    assert!(lasted(ended, Instant::now()).await <= 75);
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_of_its_answer_is_closed() {
    let (mut socket, ended) = open();
    let since = Instant::now();
    socket.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert_eq!(lasted(ended, since).await, 30);
}

async fn ask_http_2(
    requests: &mut h2::client::SendRequest<Bytes>,
    path: &str,
) -> http::Response<h2::RecvStream> {
    let uri = format!("http://a{path}");
    let request = Request::get(uri).version(Version::HTTP_2).body(()).unwrap();
    requests.send_request(request, true).unwrap().0.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_http_2_connection_that_only_answers_pings_is_idle() {
    let (socket, ended) = open();
    let (mut requests, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let mut body = ask_http_2(&mut requests, "/short").await.into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "short");
    let lasted = lasted(ended, Instant::now()).await;
    assert!((75..=135).contains(&lasted), "{lasted} s");
}

#[tokio::test(start_paused = true)]
async fn an_http_2_answer_that_is_given_no_window_ends_its_connection_and_a_quiet_one_does_not() {
    let (socket, quiet) = open();
    let (mut requests, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let _open = ask_http_2(&mut requests, "/quiet").await;
    let (socket, stuck) = open();
    let builder = h2::client::Builder::new().initial_window_size(0).clone();
    let (mut requests, connection) = builder.handshake::<_, Bytes>(socket).await.unwrap();
    tokio::spawn(connection);
    let since = Instant::now();
    let _never_read = ask_http_2(&mut requests, "/short").await;
    let lasted = lasted(stuck, since).await;
    assert!((30..=90).contains(&lasted), "{lasted} s");
    sleep(HOUR).await;
    assert!(!quiet.is_finished());
}

#[tokio::test(start_paused = true)]
async fn an_http_2_flood_ends_its_connection() {
    // GET / by the static table, and its reset.
    let reset = |id: u32| {
        let id = id.to_be_bytes();
        let head = [&[0, 0, 3, 1, 5][..], &id, &[0x82, 0x86, 0x84]].concat();
        [&head[..], &[0, 0, 4, 3, 0], &id, &[0, 0, 0, 8]].concat()
    };
    let ping = |_| b"\0\0\x08\x06\0\0\0\0\0flooding".to_vec();
    let settings = |_| b"\0\0\0\x04\0\0\0\0\0".to_vec();
    let floods: [&dyn Fn(u32) -> Vec<u8>; 3] = [&reset, &ping, &settings];
    for (n, flood) in floods.into_iter().enumerate() {
        let (mut socket, ended) = open();
        let since = Instant::now();
        socket.write_all(PREFACE).await.unwrap();
        let flooded = timeout(HOUR, async {
            let mut frames = 0_u32;
            while socket.write_all(&flood(frames * 2 + 1)).await.is_ok() {
                frames += 1;
            }
            frames
        });
        let frames = flooded.await.expect("it does not take them for ever");
        println!("flood {n} was ended after {frames} frames, {} s", since.elapsed().as_secs());
        assert!(lasted(ended, since).await <= 30);
    }
}

#[test]
fn the_descriptors_leave_room_for_everything_else() {
    let config = ListenerConfig::default();
    for (descriptors, connections) in
        [(0, 1), (1_024, 768), (20_000, 18_976), (1 << 20, 100_000), (u64::MAX, 100_000)]
    {
        assert_eq!(config.within(descriptors).max_connections.get(), connections);
    }
    assert_eq!(config.within(1_024).caps().client.unwrap().get(), 384);
}
