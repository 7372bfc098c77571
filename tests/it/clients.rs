//! What real clients see: the `EventSource` of Chromium, of npm and of Python, across cuts.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwire_tests::{Relay, RelayOptions, Sse, gmail_push, pubsub_push};
use reqwest::Client as Http;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// How long anything may take before a test says that it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const CLOSING: &str = "hookwire.closing";
const GAP: &str = "hookwire.gap";

/// The types that clients listen to when a test names none.
const TYPES: &[&str] = &["message", CLOSING, GAP, "hookwire.degraded", "hookwire.recovered"];

fn options() -> RelayOptions {
    RelayOptions::default().on_disk().set("RETRY", "100ms")
}

#[tokio::test]
async fn real_clients_see_each_event_once_in_order_under_its_name_and_id() {
    let relay = options().start().await;
    let types = ["order.placed", "order.paid", "message", CLOSING, GAP];
    let mut clients = Client::every(&relay, "topic=a", &types).await;
    for n in 0..60 {
        let path = format!("/topics/a/events?type={}", types[n % 3]);
        assert_eq!(relay.post(&path).json(&json!(n)).send().await.unwrap().status(), 200);
    }
    for client in &mut clients {
        client.has_the_log_of(&relay, "a").await;
        assert_eq!((client.opened, client.events.len()), (1, 60), "{client:?}");
        assert_eq!(client.control, [], "{client:?}");
    }
}

#[tokio::test]
async fn a_gmail_push_reaches_real_clients() {
    let relay = options().start().await;
    let query = "topic=gmail/user@example.com";
    let mut clients = Client::every(&relay, query, &["gmail.history"]).await;
    relay.push("gmail", &gmail_push("17", "user@example.com", 1_234_567_890)).await;
    for client in &mut clients {
        client.until(|client| !client.events.is_empty()).await;
        let event = &client.events[0];
        assert_eq!((event.name.as_str(), &event.data["id"]), ("gmail.history", &json!("17")));
        assert_eq!(event.payload()["historyId"], "1234567890", "{client:?}");
    }
}

#[tokio::test]
async fn kill_9_in_the_middle_of_publishing_is_bridged_by_the_clients_own_reconnect() {
    let mut relay = options().start().await;
    let mut clients = Client::every(&relay, "topic=a", TYPES).await;
    cut(&mut relay, &mut clients, &["a"], Signal::KILL).await;
    for client in &mut clients {
        client.has_the_log_of(&relay, "a").await;
        assert!(client.opened >= 2, "{client:?}");
        assert_eq!(client.control, [], "{client:?}");
    }
}

#[tokio::test]
async fn a_client_that_heeds_an_id_only_with_data_is_bridged_too() {
    let mut relay = options().start().await;
    let url = relay.url("/events?topic=a");
    let arguments = [&["--package", "eventsource-3", &url], TYPES].concat();
    let mut clients = [Client::start("eventsource.mjs", &arguments).await];
    cut(&mut relay, &mut clients, &["a"], Signal::KILL).await;
    let [client] = &mut clients;
    client.has_the_log_of(&relay, "a").await;
    assert_eq!(client.control, [], "{client:?}");
}

#[tokio::test]
async fn a_stop_in_the_middle_of_publishing_is_bridged_by_the_clients_own_reconnect() {
    let mut relay = options().set("DRAIN_WITHIN", "2s").start().await;
    let mut clients = Client::every(&relay, "topic=a", TYPES).await;
    // A request that is never finished holds the process, and clients come back meanwhile: any answer
    // but 200 would be their last.
    let mut unfinished = TcpStream::connect(relay.address()).await.unwrap();
    let head = "POST /topics/a/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";
    unfinished.write_all(head.as_bytes()).await.unwrap();
    cut(&mut relay, &mut clients, &["a"], Signal::TERM).await;
    for client in &mut clients {
        client.has_the_log_of(&relay, "a").await;
        assert_eq!(client.closings()[0], "shutdown", "{client:?}");
        assert!(client.control.iter().all(|event| event.name == CLOSING), "{client:?}");
    }
}

#[tokio::test]
async fn several_topics_on_one_stream_are_bridged_by_one_id() {
    let topics = &["a", "b", "c"];
    let mut relay = options().start().await;
    let mut clients = Client::every(&relay, "topic=a&topic=b&topic=c", TYPES).await;
    cut(&mut relay, &mut clients, topics, Signal::KILL).await;
    let mut logs = BTreeMap::new();
    for &topic in topics {
        logs.insert(topic, payloads(&log(&relay, topic).await));
    }
    let wanted: usize = logs.values().map(Vec::len).sum();
    for client in &mut clients {
        client.until(|client| client.events.len() >= wanted).await;
        for &topic in topics {
            let events = client.events.iter().filter(|event| event.data["subject"] == topic);
            let seen: Vec<Sse> = events.cloned().collect();
            assert_eq!(payloads(&seen), logs[topic], "{topic} {client:?}");
        }
        assert_eq!(client.control, [], "{client:?}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_by_its_lifetime_is_resumed_without_a_miss() {
    let relay = options().set("MAX_LIFETIME", "1s").start().await;
    let mut clients = Client::every(&relay, "topic=a", TYPES).await;
    let ended_thrice = |client: &Client| client.closings().len() >= 3;
    // One at a time, so that it goes on for as long as the streams come and go.
    for n in 1.. {
        relay.publish("a", &n.to_string(), &json!(n)).await;
        for client in &mut clients {
            client.until(|client| client.events.len() >= n).await;
        }
        if clients.iter().all(ended_thrice) {
            break;
        }
    }
    for client in &mut clients {
        client.has_the_log_of(&relay, "a").await;
        assert!(client.opened >= 3, "{client:?}");
        assert!(client.control.iter().all(|event| event.data == json!({ "reason": "lifetime" })));
    }
}

#[tokio::test]
async fn what_comes_after_a_cut_before_the_first_event_is_not_missed() {
    let mut relay = options().set("MAX_LIFETIME", "1s").start().await;
    let mut clients = Client::every(&relay, "topic=a", TYPES).await;
    for client in &mut clients {
        client.until(|client| !client.closings().is_empty()).await;
        assert_ne!(client.control[0].id, "", "the stream has named its cursor: {client:?}");
    }
    relay.kill().await;
    elsewhere(&relay, &options(), &["a"], 0..10).await;
    relay.restart().await;
    for client in &mut clients {
        client.has_the_log_of(&relay, "a").await;
        assert_eq!(client.events.len(), 10, "{client:?}");
    }
}

#[tokio::test]
async fn what_was_trimmed_while_real_clients_were_away_is_announced_to_them() {
    let options = options().set("RETENTION_EVENTS", 3).set("RING_EVENTS", 2);
    let mut relay = options.clone().start().await;
    let mut clients = Client::every(&relay, "topic=a", TYPES).await;
    relay.publish("a", "0", &json!(0)).await;
    for client in &mut clients {
        client.until(|client| client.events.len() == 1).await;
    }
    relay.kill().await;
    elsewhere(&relay, &options, &["a"], 1..10).await;
    relay.restart().await;
    for client in &mut clients {
        client.until(|client| client.events.len() == 4).await;
        assert_eq!(payloads(&client.events), [json!(0), json!(7), json!(8), json!(9)]);
        let [gap] = client.control.as_slice() else { panic!("one gap: {client:?}") };
        assert_eq!((gap.name.as_str(), &gap.data["reason"]), (GAP, &json!("trimmed")));
        assert_eq!((&gap.data["missed"], &gap.data["certain"]), (&json!(6), &json!(true)));
        assert_eq!(gap.data["resumed_at"], json!(gap.id), "{client:?}");
    }
}

#[tokio::test]
async fn any_payload_arrives_as_it_was_sent() {
    let relay = options().set("MAX_BODY", "4MiB").start().await;
    let mut clients = Client::every(&relay, "topic=a", TYPES).await;
    let pushed = "topic=pubsub/projects/myproject/subscriptions/mysubscription";
    let mut pushed = Client::every(&relay, pushed, &["pubsub.message"]).await;
    let mebibyte = "16 bytes: 💥\r\n".repeat(65_536);
    let texts = [
        "",
        "\r",
        "\n",
        "\r\n",
        "a\rb\nc\r\nd\n\ne\r\r",
        "\0before and after\0",
        "💥 𝄞 \u{10FFFF}",
        "data: one\n\ndata: two\nid: 7\nevent: evil\nretry: 1\n\n: comment\n\n",
        "\u{feff}a mark in front, \u{2028} and \u{2029} and \u{85} and \u{b} inside",
        "\u{1}\u{1f}\u{7f}\"\\/",
        &mebibyte,
    ];
    for (n, text) in texts.iter().enumerate() {
        relay.publish("a", &n.to_string(), &json!(text)).await;
        let push = pubsub_push(&n.to_string(), text.as_bytes(), &json!({}));
        assert_eq!(relay.push("pubsub", &push).await.status(), 200);
    }
    let wanted: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
    for client in &mut clients {
        client.until(|client| client.events.len() >= texts.len()).await;
        assert!(payloads(&client.events) == wanted, "{}", client.program.file);
    }
    for client in &mut pushed {
        client.until(|client| client.events.len() >= texts.len()).await;
        for (event, text) in client.events.iter().zip(texts) {
            assert!(bytes(&event.data) == text.as_bytes(), "{} {text:.60?}", client.program.file);
        }
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_follows_with_credentials_and_any_other_page_does_not() {
    let (listed, other) = (page_server().await, page_server().await);
    let mut relay = options().set("CORS_ORIGINS", &listed).start().await;
    let url = relay.url("/events?topic=a");
    let arguments = ["--page", &listed, &url, "message"];
    let mut client = Client::start("browser.mjs", &arguments).await;
    relay.publish("a", "1", &json!(1)).await;
    client.has_the_log_of(&relay, "a").await;
    relay.kill().await;
    relay.restart().await;
    relay.publish("a", "2", &json!(2)).await;
    client.has_the_log_of(&relay, "a").await;

    let mut foreign = Program::start("browser.mjs", &["--page", &other, &url, "message"]);
    assert_eq!(foreign.line().await, json!({ "failed": "cut", "final": true }));
}

/// Publishes in turn to `topics`, ends the relay by `signal` in the middle of that, publishes more while the
/// clients are away, and brings the relay back.
async fn cut(
    relay: &mut Relay,
    clients: &mut [Client],
    topics: &'static [&'static str],
    signal: Signal,
) {
    let topic_of = |n: usize| topics[n % topics.len()];
    let (http, address) = (relay.client.clone(), relay.url(""));
    let publishing = tokio::spawn(async move {
        let mut n = 0;
        while publish(&http, &address, topic_of(n), n).await {
            n += 1;
        }
        n
    });
    for client in clients.iter_mut() {
        client.until(|client| client.events.len() >= 20).await;
    }
    relay.signal(signal);
    relay.wait().await;
    // The last one got no answer. It may be in the log, so it is sent again under the same id.
    let unanswered = publishing.await.unwrap();

    elsewhere(relay, &options(), topics, unanswered..unanswered + 20).await;
    relay.restart().await;
    for n in unanswered + 20..unanswered + 40 {
        assert!(publish(&relay.client, &relay.url(""), topic_of(n), n).await);
    }
    for topic in topics {
        let sent = (0..unanswered + 40).filter(|n| topic_of(*n) == *topic);
        let sent: Vec<Value> = sent.map(|n| json!(n)).collect();
        assert_eq!(payloads(&log(relay, topic).await), sent, "the log has all of it");
    }
}

/// Publishes on the log of a relay that is down, through one at another address: the clients know only the first.
async fn elsewhere(relay: &Relay, options: &RelayOptions, topics: &[&str], events: Range<usize>) {
    let mut other = options.clone().folder(relay.folder()).start().await;
    for n in events {
        assert!(publish(&other.client, &other.url(""), topics[n % topics.len()], n).await);
    }
    other.kill().await;
}

async fn publish(http: &Http, address: &str, topic: &str, n: usize) -> bool {
    let request = http.post(format!("{address}/topics/{topic}/events")).json(&json!(n));
    let answer = request.header("idempotency-key", n.to_string()).send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

/// The whole log of a topic, each entry as the stream should have brought it.
async fn log(relay: &Relay, topic: &str) -> Vec<Sse> {
    let (mut after, mut log) = (String::new(), Vec::new());
    loop {
        let path = format!("/topics/{topic}/events?limit=1000&after={after}");
        let page: Value = relay.get(&path).send().await.unwrap().json().await.unwrap();
        let entries = page["events"].as_array().unwrap();
        if entries.is_empty() {
            return log;
        }
        log.extend(entries.iter().map(|entry| Sse {
            id: entry["cursor"].as_str().unwrap().to_owned(),
            name: entry["event"]["type"].as_str().unwrap().to_owned(),
            data: entry["event"].clone(),
        }));
        after = page["next"].as_str().unwrap().to_owned();
    }
}

fn payloads(events: &[Sse]) -> Vec<Value> {
    events.iter().map(|event| event.payload().clone()).collect()
}

/// The bytes of a CloudEvent's data, however it carries them.
fn bytes(event: &Value) -> Vec<u8> {
    match (&event["data"], &event["data_base64"]) {
        (Value::String(text), Value::Null) => text.clone().into_bytes(),
        (Value::Null, Value::String(base64)) => STANDARD.decode(base64).unwrap(),
        _ => panic!("data as text or as base64: {event}"),
    }
}

/// Serves an empty page at an origin of its own, which it returns.
async fn page_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let answer = |mut connection: TcpStream| async move {
        let mut request = [0; 4096];
        let _ = connection.read(&mut request).await;
        let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = connection.write_all(page.as_bytes()).await;
    };
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection));
        }
    });
    origin
}

/// A real client that follows a stream, and everything it has reported.
struct Client {
    program: Program,
    opened: usize,
    events: Vec<Sse>,
    control: Vec<Sse>,
}

impl Client {
    /// Starts one of every kind, and waits until each has an open stream.
    async fn every(relay: &Relay, query: &str, types: &[&str]) -> [Self; 3] {
        let url = relay.url(&format!("/events?{query}"));
        let arguments = [&[url.as_str()], types].concat();
        let start = |file| Self::start(file, &arguments);
        tokio::join!(start("browser.mjs"), start("eventsource.mjs"), start("sse_client.py")).into()
    }

    async fn start(file: &'static str, arguments: &[&str]) -> Self {
        let program = Program::start(file, arguments);
        let mut client = Self { program, opened: 0, events: Vec::new(), control: Vec::new() };
        client.until(|client| client.opened == 1).await;
        client
    }

    /// Reads reports until they meet this condition.
    async fn until(&mut self, met: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !met(self) {
            assert!(began.elapsed() < PATIENCE, "what is awaited does not come: {self:?}");
            let report = self.program.line().await;
            if let Some(event) = report.get("event") {
                let text = |name: &str| event[name].as_str().unwrap().to_owned();
                let data = serde_json::from_str(&text("data")).expect("data is JSON");
                let event = Sse { id: text("id"), name: text("type"), data };
                let control = event.name.starts_with("hookwire.");
                if control { &mut self.control } else { &mut self.events }.push(event);
            } else if report.get("opened").is_some() {
                self.opened += 1;
            } else {
                assert_eq!(report["final"], false, "it gave up: {report} {self:?}");
            }
        }
    }

    /// Waits until it has as many events as the log, which must then be the same.
    async fn has_the_log_of(&mut self, relay: &Relay, topic: &str) {
        let log = log(relay, topic).await;
        self.until(|client| client.events.len() >= log.len()).await;
        for (seen, wanted) in self.events.iter().zip(&log) {
            assert_eq!(seen, wanted, "{self:?}");
        }
        assert_eq!(self.events.len(), log.len(), "{self:?}");
    }

    /// Why its streams were closed.
    fn closings(&self) -> Vec<&str> {
        let closings = self.control.iter().filter(|event| event.name == CLOSING);
        closings.map(|event| event.data["reason"].as_str().unwrap()).collect()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.events.iter().rev().take(5).map(|event| &event.id).collect::<Vec<_>>();
        f.debug_struct(self.program.file)
            .field("opened", &self.opened)
            .field("events", &self.events.len())
            .field("last_ids", &ids)
            .field("control", &self.control)
            .finish()
    }
}

/// One of the programs in `tests/clients`, spoken to by lines of JSON. It ends when this is dropped.
pub struct Program {
    file: &'static str,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
    _child: Child,
}

impl Program {
    /// Starts it with these arguments.
    pub fn start(file: &'static str, arguments: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
        let python = file.ends_with(".py").then(|| folder.join(".venv/bin/python"));
        let interpreter = python.unwrap_or_else(|| "node".into());
        let mut command = Command::new(&interpreter);
        command.current_dir(&folder).arg(file).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{}: {error}; run tests/clients/setup", interpreter.display())
        });
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let errors = child.stderr.take().unwrap();
        Self { file, input, lines, errors, _child: child }
    }

    /// The next line that it prints.
    pub async fn line(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{} says nothing", self.file)).unwrap();
        let Some(line) = line else { panic!("{}", self.ended().await) };
        serde_json::from_str(&line).expect("a line is JSON")
    }

    /// Gives it a command, and returns the answer.
    pub async fn ask(&mut self, command: &Value) -> Value {
        let written = self.input.write_all(format!("{command}\n").as_bytes()).await;
        if written.is_err() {
            panic!("{}", self.ended().await);
        }
        self.line().await
    }

    async fn ended(&mut self) -> String {
        let mut errors = String::new();
        let _ = self.errors.read_to_string(&mut errors).await;
        format!("{} has ended; tests/clients/setup installs what it needs:\n{errors}", self.file)
    }
}
