//! Streams over real sockets, from the listener to the writers.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::{Chunk, Next, Supply, Writers};
use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use bytes::Bytes;
use hookwire_http::{HandOff, Listener, ListenerConfig};
use hookwire_hub::Feed;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

/// What is to be given to all, in this order, and who is told of their ends.
#[derive(Clone)]
struct Script {
    steps: VecDeque<Step>,
    ends: UnboundedSender<&'static str>,
    waits: Arc<Mutex<Option<Waker>>>,
}

#[derive(Clone)]
enum Step {
    Give(Bytes),
    /// A task finds this out.
    Fetch(Bytes),
    /// Goes on when it is woken.
    Sleep,
    Panic,
    End,
}

/// One run of the script.
struct Run {
    script: Script,
    asleep: bool,
    stalled: bool,
}

impl Supply for Run {
    fn next(&mut self, now: Instant) -> Next {
        if std::mem::take(&mut self.asleep) {
            self.script.steps.pop_front();
        }
        match self.script.steps.front() {
            Some(Step::Give(bytes)) => {
                let chunk = Chunk::of(bytes);
                self.script.steps.pop_front();
                Next::Bytes(chunk)
            }
            Some(Step::Fetch(_)) => Next::Fetch,
            Some(Step::Sleep) => {
                self.asleep = true;
                Next::Nothing { until: now + Duration::from_hours(1) }
            }
            Some(Step::Panic) => panic!("as the script says"),
            Some(Step::End) => Next::End,
            None => Next::Nothing { until: now + Duration::from_hours(1) },
        }
    }

    async fn fetch(mut self: Box<Self>) -> (Box<Self>, Bytes) {
        tokio::task::yield_now().await;
        let Some(Step::Fetch(bytes)) = self.script.steps.pop_front() else { unreachable!() };
        (self, Chunk::of(&bytes))
    }

    fn feeds(&self) -> impl Iterator<Item = &Arc<Feed>> {
        std::iter::empty()
    }

    fn wake_by(&mut self, waker: impl FnOnce() -> Waker) {
        *self.script.waits.lock().unwrap() = Some(waker());
    }

    fn stalled(&mut self) {
        self.stalled = true;
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let end = if self.stalled { "stalled" } else { "gone" };
        let _nobody_listens = self.script.ends.send(end);
    }
}

/// A relay of scripts: each connection asks for one by its number.
struct Server {
    address: SocketAddr,
    writers: Arc<Writers<Run>>,
    ends: tokio::sync::mpsc::UnboundedReceiver<&'static str>,
    waits: Arc<Mutex<Option<Waker>>>,
    _stop: CancellationToken,
}

async fn serve(slow_after: Duration, scripts: Vec<Vec<Step>>) -> Server {
    let writers = Arc::new(Writers::start(slow_after).unwrap());
    let (sender, ends) = unbounded_channel();
    let waits = Arc::<Mutex<Option<Waker>>>::default();
    let (all, to) = (Arc::new(scripts), Arc::clone(&writers));
    let told = Arc::clone(&waits);
    let begin = move |request: Request| {
        let number: usize = request.uri().path().trim_start_matches('/').parse().unwrap();
        let (ends, waits) = (sender.clone(), Arc::clone(&told));
        let script = Script { steps: all[number].clone().into(), ends, waits };
        let hand_off = request.extensions().get::<HandOff>().unwrap().clone();
        let writers = Arc::clone(&to);
        let run = Box::new(Run { script, asleep: false, stalled: false });
        let first = Bytes::from_static(b"begun;");
        let body = hand_off.body(first, move |handed| writers.take(handed, run, Bytes::new()));
        async move { body }
    };
    let router = Router::new().route("/{number}", get(begin));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(any, ListenerConfig::default()).unwrap();
    let (address, stop) = (listener.address().unwrap(), CancellationToken::new());
    tokio::spawn(listener.serve(router, stop.clone()));
    Server { address, writers, ends, waits, _stop: stop }
}

impl Server {
    /// A client that has read the head.
    async fn ask(&self, number: usize) -> TcpStream {
        let address = self.address;
        let asked = move || {
            let mut socket = TcpStream::connect(address).unwrap();
            write!(socket, "GET /{number} HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            socket
        };
        spawn_blocking(asked).await.unwrap()
    }
}

/// The content of chunks, until the answer ends or has this length.
async fn content(mut socket: TcpStream, length: usize) -> (Vec<u8>, io::Result<TcpStream>) {
    let read = move || {
        let mut content = Vec::new();
        loop {
            if content.len() >= length {
                return (content, Ok(socket));
            }
            let (mut size, mut byte) = (String::new(), [0]);
            while !size.ends_with("\r\n") {
                match socket.read(&mut byte) {
                    Ok(1..) => size.push(char::from(byte[0])),
                    Ok(_) => return (content, Err(io::ErrorKind::UnexpectedEof.into())),
                    Err(error) => return (content, Err(error)),
                }
            }
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            if let Err(error) = socket.read_exact(&mut chunk) {
                return (content, Err(error));
            }
            assert!(chunk.ends_with(b"\r\n"));
            if size == 0 {
                return (content, Ok(socket));
            }
            content.extend_from_slice(&chunk[..size]);
        }
    };
    spawn_blocking(read).await.unwrap()
}

const PATIENT: Duration = Duration::from_secs(60);

fn give(text: &'static str) -> Step {
    Step::Give(Bytes::from_static(text.as_bytes()))
}

fn fetch(text: &'static str) -> Step {
    Step::Fetch(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn what_is_given_and_what_is_fetched_goes_out_in_order_until_the_end() {
    let script = vec![give("a;"), fetch("b;"), fetch("c;"), give("d;"), Step::End];
    let mut server = serve(PATIENT, vec![script]).await;
    let (content, socket) = content(server.ask(0).await, usize::MAX).await;
    assert_eq!(String::from_utf8(content).unwrap(), "begun;a;b;c;d;");
    assert_eq!(socket.unwrap().read(&mut [0]).unwrap(), 0, "and the connection is closed");
    assert_eq!(server.ends.recv().await, Some("gone"));
}

#[tokio::test]
async fn a_stream_that_waits_goes_on_when_it_is_woken() {
    let server = serve(PATIENT, vec![vec![give("a;"), Step::Sleep, give("b;"), Step::End]]).await;
    let (first, socket) = content(server.ask(0).await, "begun;a;".len()).await;
    assert_eq!(first, b"begun;a;");
    server.waits.lock().unwrap().take().unwrap().wake();
    let (rest, _) = content(socket.unwrap(), usize::MAX).await;
    assert_eq!(rest, b"b;");
}

#[tokio::test]
async fn whoever_leaves_is_let_go_while_nothing_is_to_be_said() {
    let mut server = serve(PATIENT, vec![vec![]]).await;
    drop(content(server.ask(0).await, "begun;".len()).await);
    assert_eq!(server.ends.recv().await, Some("gone"));
}

#[tokio::test]
async fn whoever_sends_without_end_while_it_is_answered_is_let_go() {
    let mut server = serve(PATIENT, vec![vec![]]).await;
    let mut socket = server.ask(0).await;
    let flood = spawn_blocking(move || while socket.write_all(&[b'x'; 4_096]).is_ok() {});
    assert_eq!(server.ends.recv().await, Some("gone"));
    flood.await.unwrap();
}

#[tokio::test]
async fn whoever_reads_slowly_gets_everything_and_whoever_reads_nothing_is_given_up() {
    let large = |byte| Step::Give(vec![byte; 3 << 20].into());
    let script = vec![large(b'a'), large(b'b'), Step::End];
    let mut server = serve(Duration::from_secs(2), vec![script]).await;
    let (mut reads_nothing, reads) = (server.ask(0).await, server.ask(0).await);
    let (content, _) = content(reads, usize::MAX).await;
    let (a, b) = content[b"begun;".len()..].split_at(3 << 20);
    assert!(a.iter().all(|byte| *byte == b'a') && b.iter().all(|byte| *byte == b'b'));
    assert_eq!(b.len(), 3 << 20);
    let mut ends = [server.ends.recv().await.unwrap(), server.ends.recv().await.unwrap()];
    ends.sort_unstable();
    assert_eq!(ends, ["gone", "stalled"]);
    let rest = spawn_blocking(move || io::copy(&mut reads_nothing, &mut io::sink()));
    assert!(rest.await.unwrap().map_or(true, |bytes| bytes < 6 << 20), "it was cut");
}

#[tokio::test]
async fn a_cut_ends_all_at_once() {
    let mut server = serve(PATIENT, vec![vec![give("a;")]]).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let (_, socket) = content(server.ask(0).await, "begun;a;".len()).await;
        open.push(socket);
    }
    server.writers.cut();
    for _ in 0..4 {
        assert_eq!(server.ends.recv().await, Some("gone"));
    }
}

#[tokio::test]
async fn after_a_panic_the_next_ones_are_served() {
    let mut server = serve(PATIENT, vec![vec![Step::Panic], vec![give("a;"), Step::End]]).await;
    let threads = std::thread::available_parallelism().unwrap().get();
    for _ in 0..threads {
        drop(server.ask(0).await);
        assert_eq!(server.ends.recv().await, Some("gone"));
    }
    for _ in 0..threads {
        let (content, _) = content(server.ask(1).await, usize::MAX).await;
        assert_eq!(content, b"begun;a;");
    }
}
