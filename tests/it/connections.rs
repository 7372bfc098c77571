//! Connections that only cost harm nobody who is served.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use hookwire_tests::{Relay, RelayOptions, Stream};
use rlimit::Resource;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(60);
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const STREAM: &str = "GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A connection from `127.0.0.client` that says only `begun`, and whose own buffer is small; nothing when it was closed
/// before this end knew that it stood.
async fn try_open(relay: &Relay, client: u8, begun: &str) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, client), 0).into()).unwrap();
    let connected =
        tokio::time::timeout(PATIENCE, socket.connect(relay.address().parse().unwrap()));
    let mut socket = match connected.await.expect("it is accepted, if only to be closed") {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
        connected => connected.unwrap(),
    };
    // It may have been closed again.
    let _written = socket.write_all(begun.as_bytes()).await;
    Some(socket)
}

/// Such a connection, which is not turned away.
async fn open(relay: &Relay, client: u8, begun: &str) -> TcpStream {
    try_open(relay, client, begun).await.expect("there is room")
}

/// Tries such a connection, which is turned away.
async fn is_turned_away(relay: &Relay, client: u8) {
    if let Some(mut socket) = try_open(relay, client, HEALTH).await {
        ends(&mut socket).await;
    }
}

/// What comes until `text`, or until the end when that comes first.
async fn read_until(socket: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(text) {
            if !matches!(socket.read_buf(&mut read).await, Ok(1..)) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("it goes on, or ends");
    String::from_utf8_lossy(&read).into_owned()
}

/// An open stream, of which the start is read.
async fn stream(relay: &Relay, client: u8) -> TcpStream {
    let mut socket = open(relay, client, STREAM).await;
    assert!(read_until(&mut socket, "id: ").await.contains("200 OK"), "the stream is open");
    socket
}

/// Waits until a connection is closed from the other end.
async fn ends(socket: &mut TcpStream) {
    let mut buffer = [0; 1024];
    let reading = async { while let Ok(1..) = socket.read(&mut buffer).await {} };
    tokio::time::timeout(PATIENCE, reading).await.expect("it is closed");
}

/// Whether a connection is open for a while yet.
async fn stays(socket: &mut TcpStream) -> bool {
    let mut buffer = [0; 1024];
    let reading = async { while let Ok(1..) = socket.read(&mut buffer).await {} };
    tokio::time::timeout(Duration::from_millis(200), reading).await.is_err()
}

/// Opens a stream as soon as there is room: that of one that left is free a moment later.
async fn stream_when_there_is_room(relay: &Relay, client: u8) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(mut socket) = try_open(relay, client, STREAM).await
            && read_until(&mut socket, "id: ").await.contains("200 OK")
        {
            return socket;
        }
        assert!(Instant::now() < deadline, "there is room again");
    }
}

async fn metric(relay: &Relay, name: &str) -> usize {
    let metrics = relay.get("/metrics").send().await.unwrap().text().await.unwrap();
    let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines.next().map_or(0, |count| count.parse().unwrap())
}

/// The lines about trouble, of which there is at least one; the harness reads them a moment later.
async fn told(relay: &Relay) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = relay.log();
        let lines = log.lines().filter(|line| line.contains("trouble with new"));
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        if !lines.is_empty() {
            return lines;
        }
        assert!(Instant::now() < deadline, "the trouble is told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn enough_descriptors(least: u64) {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(descriptors >= least, "{least} descriptors are needed, {descriptors} may be open");
}

/// Publishes `events` events one after another, waits for each on the stream, and prints how long that took.
async fn measure(relay: &Relay, stream: &mut Stream, when: &str, connection: &str, events: usize) {
    let data = json!("x".repeat(2 * 1024));
    let mut took = Vec::new();
    for n in 0..events {
        let (id, began) = (format!("{when}-{connection}-{n}"), Instant::now());
        let request = relay.post("/topics/a/events").header("idempotency-key", &id);
        let answer = request.header("connection", connection).json(&data).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(stream.event().await.data["id"], id);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let (median, p99) = (took[events / 2], took[events * 99 / 100]);
    println!("{when}, {connection}: {events} events came after {median:.1?}, p99 {p99:.1?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_who_say_nothing_or_read_nothing_keep_no_event_from_a_healthy_client() {
    const EACH: usize = 5_000;
    const MOST: usize = 8_000;
    enough_descriptors(12_000);
    let options = RelayOptions::default().set("MAX_CONNECTIONS", MOST).set("HEARTBEAT", "10s");
    let relay = options.set("MAX_CONNECTIONS_PER_CLIENT", 100).start().await;
    let mut healthy = relay.follow("topic=a", None).await;
    healthy.primed().await;
    measure(&relay, &mut healthy, "before", "keep-alive", 50).await;
    measure(&relay, &mut healthy, "before", "close", 50).await;

    let began = Instant::now();
    let mut never_read = Vec::new();
    for n in 0..EACH {
        let client = 2 + u8::try_from(n % 249).unwrap();
        never_read.push(try_open(&relay, client, STREAM).await);
    }
    let deadline = Instant::now() + PATIENCE;
    while metric(&relay, "hookwire_streams_open").await < EACH + 1 {
        assert!(Instant::now() < deadline, "the streams are opened");
    }
    println!("{EACH} streams were opened in {:.1?}", began.elapsed());
    let (half_open, mut so_far) = watch::channel(0);
    let silence = async {
        let mut sockets = VecDeque::new();
        for n in 0.. {
            let client = 2 + u8::try_from(n % 249).unwrap();
            let begun = if n % 2 == 0 { "" } else { "GET /events?topic=a HTTP/1.1\r\nHos" };
            sockets.push_back(try_open(&relay, client, begun).await);
            // This end of those that made room is of no more use.
            sockets.drain(..sockets.len().saturating_sub(EACH));
            half_open.send_replace(n + 1);
            // All that the accept rate allows would leave new connections the backlog, and this machine no time.
            if n >= EACH {
                tokio::time::sleep(Duration::from_millis(4)).await;
            }
        }
    };
    let measured = async {
        so_far.wait_for(|n| *n >= EACH).await.unwrap();
        measure(&relay, &mut healthy, "during", "keep-alive", 50).await;
        measure(&relay, &mut healthy, "during", "close", 50).await;
        let open = metric(&relay, "hookwire_connections_open").await;
        (open, metric(&relay, "hookwire_connections_closed_total{reason=\"room\"}").await)
    };
    let (open, room) = tokio::select! {
        () = silence => unreachable!("it does not end by itself"),
        measured = measured => measured,
    };
    let half_open = *half_open.borrow();
    println!("{half_open} were half open, {room} of them made room, {open} are open");
    assert!(open <= MOST, "{open} connections are open");
    assert!(room > 0, "there was room for all");
    let told = told(&relay).await;
    assert!((1..=4).contains(&told.len()), "{told:#?}");
    assert!(!told.concat().contains("127.0.0."), "{told:#?}");
}

#[tokio::test]
async fn a_client_over_its_cap_is_closed_and_another_one_is_served() {
    let relay = RelayOptions::default().set("MAX_CONNECTIONS_PER_CLIENT", 3).start().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(stream(&relay, 2).await);
    }
    is_turned_away(&relay, 2).await;
    let mut other = open(&relay, 3, HEALTH).await;
    assert!(read_until(&mut other, "200 OK").await.contains("200 OK"));
    let refused = "hookwire_connections_refused_total{reason=\"client\"}";
    assert_eq!(metric(&relay, refused).await, 1);
    relay.publish("a", "1", &json!(1)).await;
    for one in &mut streams {
        assert!(read_until(one, "\"id\":\"1\"").await.contains("\"id\":\"1\""));
    }
    drop(streams);
    let mut again = stream_when_there_is_room(&relay, 2).await;
    assert!(stays(&mut again).await);
}

#[tokio::test]
async fn behind_a_proxy_its_address_is_not_held_against_it() {
    let options = RelayOptions::default().set("MAX_CONNECTIONS_PER_CLIENT", 1);
    let relay = options.set("TRUSTED_HOPS", 1).start().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(stream(&relay, 2).await);
    }
    for one in &mut streams {
        assert!(stays(one).await);
    }
}

#[tokio::test]
async fn at_the_cap_the_oldest_half_open_connection_makes_room_and_a_stream_never_does() {
    let relay = RelayOptions::default().set("MAX_CONNECTIONS", 10).start().await;
    let mut served = stream(&relay, 2).await;
    let mut half_open = Vec::new();
    for client in 3..12 {
        half_open.push(open(&relay, client, "GET /events").await);
    }
    let mut new = open(&relay, 12, HEALTH).await;
    assert!(read_until(&mut new, "200 OK").await.contains("200 OK"));
    let (oldest, others) = half_open.split_first_mut().unwrap();
    ends(oldest).await;
    for one in others {
        assert!(stays(one).await);
    }

    let mut streams = Vec::new();
    for client in 20..29 {
        streams.push(stream(&relay, client).await);
    }
    // Nobody makes room.
    is_turned_away(&relay, 30).await;
    assert!(stays(&mut served).await);
    drop(streams.pop());
    let refused = "hookwire_connections_refused_total{reason=\"all\"}";
    let deadline = Instant::now() + PATIENCE;
    // The place of the one that left is free a moment later; until then this one is refused, too.
    while relay.get("/healthz").send().await.is_err() {
        assert!(Instant::now() < deadline, "there is room again");
    }
    assert!(metric(&relay, refused).await >= 1);
    relay.publish("a", "1", &json!(1)).await;
    for one in streams.iter_mut().chain([&mut served]) {
        assert!(read_until(one, "\"id\":\"1\"").await.contains("\"id\":\"1\""));
    }
    let told = told(&relay).await;
    assert!((1..=2).contains(&told.len()), "{told:#?}");
}

#[tokio::test]
async fn what_comes_faster_than_the_accept_rate_waits_and_is_served() {
    const BURST: usize = 150;
    const RATE: usize = 50;
    let relay = RelayOptions::default().set("ACCEPT_RATE", RATE).start().await;
    let address: std::net::SocketAddr = relay.address().parse().unwrap();
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..BURST {
        clients.spawn(async move {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(HEALTH.as_bytes()).await.unwrap();
            read_until(&mut socket, "200 OK").await
        });
    }
    for answer in clients.join_all().await {
        assert!(answer.contains("200 OK"), "{answer}");
    }
    let least = Duration::from_secs(((BURST - RATE) / RATE) as u64);
    let took = began.elapsed();
    assert!(took >= least.mul_f64(0.9), "{BURST} were accepted within {took:?}");
    assert!(metric(&relay, "hookwire_connections_accepted_total").await >= BURST);
}

#[tokio::test]
async fn running_out_of_descriptors_ends_nothing_and_passes() {
    let relay = Relay::start().await;
    let mut served = stream(&relay, 2).await;
    let pid = relay.pid().as_raw_nonzero().get();
    let used = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    let (mut soft, mut hard) = (0, 0);
    let before = Some((&mut soft, &mut hard));
    rlimit::prlimit(pid, Resource::NOFILE, None, before).unwrap();
    rlimit::prlimit(pid, Resource::NOFILE, Some((used + 10, hard)), None).unwrap();
    let mut half_open = Vec::new();
    for client in 3..50 {
        half_open.push(try_open(&relay, client, "GET /events").await);
    }
    // Each try costs a half-open one its place, until those that came before are through.
    let mut new = open(&relay, 60, HEALTH).await;
    assert!(read_until(&mut new, "200 OK").await.contains("200 OK"));
    while !relay.log().contains("could not accept") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = told(&relay).await;
    assert!((1..=2).contains(&told.len()), "{told:#?}");
    rlimit::prlimit(pid, Resource::NOFILE, Some((soft, hard)), None).unwrap();
    relay.publish("a", "1", &json!(1)).await;
    assert!(read_until(&mut served, "\"id\":\"1\"").await.contains("\"id\":\"1\""));
}
