use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hookwire_tests::{Relay, RelayOptions};
use reqwest::{Client, RequestBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::two_relays;

const FILE: &str = "[[sources]]\nname = \"signed\"\nkind = \"github\"\nsecret = \"It's a Secret to Everybody\"\n\
                    [[sources]]\nname = \"other\"\nkind = \"bearer\"\nsecret = \"a-secret-of-visible-characters\"\n";
/// Of `Hello, World!`, as GitHub documents it.
const SIGNATURE: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
/// More than the relay works on at once.
const SOCKETS: usize = 1_100;
/// Half of the time for which a relay waits for a body.
const NOT_WAITING: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that announces a signed body and never sends it; the relay says `100` when it begins to wait for it.
async fn announce(relay: &Relay) -> TcpStream {
    let mut socket = TcpStream::connect(relay.address()).await.unwrap();
    let made_up = "00".repeat(32);
    let head = format!(
        "POST /webhooks/signed HTTP/1.1\r\nHost: localhost\r\nX-Hub-Signature-256: sha256={made_up}\r\n\
         Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

/// The status of the next answer.
async fn status(socket: &mut TcpStream) -> u16 {
    let mut read = [0; 25];
    let reading = socket.read_exact(&mut read[..12]);
    tokio::time::timeout(PATIENCE, reading).await.expect("it is answered").unwrap();
    let status = std::str::from_utf8(&read[9..12]).unwrap().parse().unwrap();
    if status == 100 {
        socket.read_exact(&mut read[12..]).await.unwrap();
        assert!(read.ends_with(b"\r\n\r\n"));
    }
    status
}

fn signed(request: RequestBuilder, signature: &str, id: usize) -> RequestBuilder {
    let request = request.header("x-hub-signature-256", format!("sha256={signature}"));
    let request = request.header("x-github-event", "ping").header("x-github-delivery", id);
    request.body("Hello, World!")
}

#[tokio::test]
async fn bodies_that_are_announced_and_never_come_keep_nobody_else_waiting() {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(descriptors > SOCKETS as u64 + 100, "only {descriptors} files may be open");
    let relay = RelayOptions::default().file(FILE).set("CLIENT_LIMIT", 10).start().await;
    let mut sockets = join_all((0..SOCKETS).map(|_| announce(&relay))).await;
    let first = join_all(sockets.iter_mut().map(status)).await;

    let began = Instant::now();
    let other = relay.post("/webhooks/other").bearer_auth("a-secret-of-visible-characters");
    assert_eq!(other.body("{}").send().await.unwrap().status(), 200, "another source");
    let elsewhere = Ipv4Addr::new(127, 0, 0, 2);
    let elsewhere = Client::builder().no_proxy().local_address(Some(elsewhere.into()));
    let push = elsewhere.build().unwrap().post(relay.url("/webhooks/signed"));
    let answer = signed(push, SIGNATURE, 1).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the same source from another address");
    assert!(began.elapsed() < NOT_WAITING, "they waited {:?}", began.elapsed());

    let waits = first.iter().filter(|status| **status == 100).count();
    assert!((1..=16).contains(&waits), "{waits} bodies of one client were waited for");
    let busy = first.iter().filter(|status| **status == 503).count();
    assert_eq!(waits + busy, SOCKETS, "{first:?}");
    for (socket, _) in sockets.iter_mut().zip(&first).filter(|(_, first)| **first == 100) {
        assert_eq!(status(socket).await, 408);
    }
    let wrong = signed(relay.post("/webhooks/signed"), &"00".repeat(32), 2);
    assert_eq!(wrong.send().await.unwrap().status(), 429, "each counts as a failed proof does");
}

#[tokio::test]
async fn who_hangs_up_before_the_body_has_failed_to_prove_anything() {
    let relay = RelayOptions::default().file(FILE).set("CLIENT_LIMIT", 10).start().await;
    for _ in 0..30 {
        let mut socket = announce(&relay).await;
        // Over the limit it may have to wait until the one before has gone.
        assert_eq!(status(&mut socket).await, 100);
    }
    let wrong = signed(relay.post("/webhooks/signed"), &"00".repeat(32), 1);
    assert_eq!(wrong.send().await.unwrap().status(), 429);
    let right = signed(relay.post("/webhooks/signed"), SIGNATURE, 1);
    assert_eq!(right.send().await.unwrap().status(), 200, "what is genuine is not limited");
}

#[tokio::test]
async fn who_takes_an_http_2_request_back_before_its_body_has_failed_to_prove_anything() {
    // Over Redis counting takes a while, in which the request is gone.
    let (_redis, [relay, _]) =
        two_relays(RelayOptions::default().file(FILE).set("CLIENT_LIMIT", 10)).await;
    let socket = TcpStream::connect(relay.address()).await.unwrap();
    let (mut requests, mut connection) = h2::client::handshake(socket).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..100 {
        let request = http::Request::post(relay.url("/webhooks/signed"));
        let request = request.header("x-hub-signature-256", format!("sha256={}", "00".repeat(32)));
        let request = request.body(()).unwrap();
        let (_answer, mut body) = requests.send_request(request, false).unwrap();
        // The relay has seen it, and had time to begin with it.
        for _ in 0..2 {
            pings.ping(h2::Ping::opaque()).await.unwrap();
        }
        body.send_reset(h2::Reason::CANCEL);
    }
    let wrong = signed(relay.post("/webhooks/signed"), &"00".repeat(32), 1);
    assert_eq!(wrong.send().await.unwrap().status(), 429);
    connection.abort();
}

#[tokio::test]
async fn a_burst_of_signed_pushes_from_one_address_is_let_in() {
    let relay = RelayOptions::default().file(FILE).set("CLIENT_LIMIT", 10).start().await;
    let pushes = (0..200).map(|n| signed(relay.post("/webhooks/signed"), SIGNATURE, n).send());
    for answer in join_all(pushes).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
}
