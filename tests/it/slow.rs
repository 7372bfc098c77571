//! Who does not read harms nobody and loses nothing.

use std::time::{Duration, Instant};

use hookwire_tests::{Relay, RelayOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PAYLOAD_BYTES: usize = 64 * 1024;
const EVENTS: usize = 600;
const STALLED: usize = 20;

/// A client that asks for a stream and then reads nothing.
async fn stalled(relay: &Relay, cursor: Option<&str>) -> TcpStream {
    let mut socket = TcpStream::connect(relay.address()).await.unwrap();
    let resume = cursor.map_or(String::new(), |cursor| format!("Last-Event-ID: {cursor}\r\n"));
    let head = format!("GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n{resume}\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

fn rss_bytes(relay: &Relay) -> usize {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", relay.pid().as_raw_nonzero())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

async fn closed_as_slow(relay: &Relay) -> usize {
    let metrics = relay.get("/metrics").send().await.unwrap().text().await.unwrap();
    let name = "hookwire_connections_closed_total{reason=\"slow\"} ";
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_delays_nobody_costs_no_memory_and_has_everything_when_it_returns() {
    let options = RelayOptions::default().on_disk().set("SLOW_AFTER", "3s").set("HEARTBEAT", "1s");
    let relay = options.set("RING_BYTES", "1MiB").set("CLIENT_LIMIT", 1_000_000).start().await;
    let start = relay.follow("topic=a", None).await.primed().await;
    let mut never_reads = Vec::new();
    for _ in 0..STALLED {
        never_reads.push(stalled(&relay, Some(&start)).await);
    }
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..99 {
        let mut stream = relay.follow("topic=a", Some(&start)).await;
        readers.spawn(async move {
            for n in 0..EVENTS {
                assert_eq!(stream.event().await.data["id"], n.to_string());
            }
        });
    }
    let payload = "x".repeat(PAYLOAD_BYTES);
    let before = rss_bytes(&relay);
    for n in 0..EVENTS {
        relay.publish("a", &n.to_string(), &json!(payload)).await;
    }
    readers.join_all().await;
    let missed_bytes = EVENTS * PAYLOAD_BYTES;
    let grown = rss_bytes(&relay).saturating_sub(before);
    println!("{STALLED} clients missed {missed_bytes} bytes each, memory grew by {grown}");
    // The log's tables and caches warm up with every byte once or twice; a queue per connection would hold it
    // twenty times more.
    assert!(grown < missed_bytes * 4, "memory grew by {grown} bytes");

    // They are closed by the deadline on their sockets; what they were sent before is still there to be read.
    let deadline = Instant::now() + Duration::from_secs(60);
    while closed_as_slow(&relay).await < STALLED {
        assert!(Instant::now() < deadline, "the stalled clients are closed");
    }
    let mut rest = Vec::new();
    let _cut = never_reads[0].read_to_end(&mut rest).await;
    let text = String::from_utf8_lossy(&rest);
    // The last id may stand before an event that was cut; a browser takes it only with the empty line.
    let complete = text.rfind("\n\n").map_or("", |end| &text[..end]);
    let cursor =
        complete.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap_or(&start);
    let (_, k) = cursor.split_once('-').unwrap();
    let mut stream = relay.follow("topic=a", Some(cursor)).await;
    for n in k.parse::<usize>().unwrap()..EVENTS {
        assert_eq!(stream.event().await.data["id"], n.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_pauses_gets_everything_on_the_same_connection() {
    let relay = RelayOptions::default().set("RING_EVENTS", 8).start().await;
    let start = relay.follow("topic=a", None).await.primed().await;
    let mut paused = stalled(&relay, Some(&start)).await;
    let payload = "x".repeat(PAYLOAD_BYTES);
    for n in 0..200 {
        relay.publish("a", &n.to_string(), &json!(payload)).await;
    }
    let (mut text, mut buffer) = (String::new(), vec![0; 1 << 20]);
    while !text.contains("\"id\":\"199\"") {
        let read = tokio::time::timeout(Duration::from_secs(30), paused.read(&mut buffer)).await;
        let read = read.expect("it goes on").unwrap();
        assert!(read > 0, "the stream is still open");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    let ids: Vec<usize> = text
        .split("\"id\":\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids, (0..200).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_http_2_stream_that_is_given_no_window_is_cut_and_a_quiet_one_is_not() {
    let options = RelayOptions::default().set("SLOW_AFTER", "2s").set("HEARTBEAT", "500ms");
    let relay = options.start().await;
    let open = async |topic: &str| {
        let socket = TcpStream::connect(relay.address()).await.unwrap();
        let (mut requests, connection) = h2::client::handshake(socket).await.unwrap();
        let connection = tokio::spawn(connection);
        let uri = format!("http://localhost/events?topic={topic}");
        let request = http::Request::get(uri).body(()).unwrap();
        let (response, _) = requests.send_request(request, true).unwrap();
        (response.await.unwrap().into_body(), connection, requests)
    };
    let (mut quiet, _connection, _requests) = open("quiet").await;
    // The window is never given back, so it is used up by the first two events.
    let (_body, stalled, _requests) = open("busy").await;
    let payload = "x".repeat(PAYLOAD_BYTES);
    for n in 0..4 {
        relay.publish("busy", &n.to_string(), &json!(payload)).await;
    }
    let cut = tokio::time::timeout(Duration::from_secs(30), stalled).await;
    let _ended = cut.expect("the connection is cut").unwrap();
    for _ in 0..10 {
        let heartbeat = tokio::time::timeout(Duration::from_secs(30), quiet.data()).await.unwrap();
        let heartbeat = heartbeat.expect("the quiet stream goes on").unwrap();
        quiet.flow_control().release_capacity(heartbeat.len()).unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_never_asks_is_closed() {
    let relay = Relay::start().await;
    let mut sockets = Vec::new();
    for begun in ["", "P", "GET /events?topic=a HT", "GET /events?topic=a HTTP/1.1\r\nHost: lo"] {
        let mut socket = TcpStream::connect(relay.address()).await.unwrap();
        socket.write_all(begun.as_bytes()).await.unwrap();
        sockets.push(socket);
    }
    for mut socket in sockets {
        let mut rest = Vec::new();
        let closed =
            tokio::time::timeout(Duration::from_secs(40), socket.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "it is closed");
    }
    let _: Value = relay.publish("a", "1", &json!(1)).await;
}
