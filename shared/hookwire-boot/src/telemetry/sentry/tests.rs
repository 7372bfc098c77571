use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::Value;
use tracing::{error, info, warn};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::FromSetting;

const PATIENCE: Duration = Duration::from_secs(30);

/// A Sentry that takes one event after another.
fn server() -> (u16, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, events) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                let header = line.to_ascii_lowercase();
                if let Some((_, value)) = header.split_once("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            // Envelope, item, event: a line each.
            heard.send(serde_json::from_str(body.lines().nth(2).unwrap()).unwrap()).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            reader.get_mut().write_all(answer).unwrap();
        }
    });
    (port, events)
}

fn at(port: u16) -> Sentry {
    let dsn = SentryDsn::from_text(&format!("http://key@127.0.0.1:{port}/7")).unwrap();
    let config = SentryConfig {
        dsn,
        environment: "tests".to_owned(),
        sample_rate: 1.0,
        max_events: 12,
        runbook: "https://git.example/runbook.md".to_owned(),
    };
    Sentry::new(config, "receive")
}

fn told(sentry: &Sentry, by: impl FnOnce()) {
    tracing::subscriber::with_default(Registry::default().with(vec![sentry.layer()]), by);
}

#[test]
fn an_incident_and_its_end_are_one_issue_which_says_what_for_whom_and_since_when() {
    let (port, events) = server();
    told(&at(port), || {
        info!(target: "receive", topics = 3, secret_thing = "hush", "started");
        info!(target: "hookwire::audit", "refused a request");
        warn!(
            incident = "redis-unreachable",
            server = "all",
            topic = "hush",
            failures = 5,
            "no answer"
        );
        let resolved = true;
        info!(
            incident = "redis-unreachable",
            resolved,
            server = "all",
            duration_ms = 7,
            "it answers"
        );
    });
    let (broken, over) =
        (events.recv_timeout(PATIENCE).unwrap(), events.recv_timeout(PATIENCE).unwrap());
    assert_eq!(broken["fingerprint"], serde_json::json!(["redis-unreachable"]));
    assert_eq!(broken["fingerprint"], over["fingerprint"]);
    // The protocol's default.
    assert_eq!(broken["level"], Value::Null);
    assert_eq!(over["level"], "info");
    assert_eq!(broken["message"], "Redis does not answer");
    assert!(over["message"].as_str().unwrap().starts_with("Redis does not answer: over after"));
    assert_eq!(
        (&broken["tags"]["server"], &broken["tags"]["function"]),
        (&"all".into(), &"receive".into())
    );
    assert_eq!(
        (&broken["environment"], &broken["server_name"]),
        (&"tests".into(), &"receive".into())
    );
    assert!(broken["release"].as_str().unwrap().starts_with("hookwire@"));
    let trouble = &broken["contexts"]["trouble"];
    assert_eq!(trouble["runbook"], "https://git.example/runbook.md#redis-unreachable");
    assert_eq!((&trouble["said"], &trouble["failures"]), (&"no answer".into(), &5.into()));
    assert_eq!(trouble["since"], over["contexts"]["trouble"]["since"]);
    let breadcrumbs = broken["breadcrumbs"]["values"].as_array().unwrap();
    assert_eq!(breadcrumbs.len(), 1, "{broken}");
    assert_eq!(
        (&breadcrumbs[0]["message"], &breadcrumbs[0]["data"]["topics"]),
        (&"started".into(), &3.into())
    );
    assert!(!broken.to_string().contains("hush"), "{broken}");
}

#[test]
fn an_error_that_names_no_incident_is_an_issue_by_its_place_and_words() {
    let (port, events) = server();
    told(&at(port), || {
        for n in 0..2 {
            error!(target: "hookwire_hub", { event.id = n }, "cannot happen");
        }
        error!(target: "lambda_runtime::layers::panic", "user handler panicked");
        error!(target: "fjall::journal", "the entry was {}", "hush");
    });
    let [one, two, others] = [(); 3].map(|()| events.recv_timeout(PATIENCE).unwrap());
    assert_eq!(one["fingerprint"], serde_json::json!(["hookwire_hub: cannot happen"]));
    assert_eq!(one["fingerprint"], two["fingerprint"]);
    assert_eq!(two["tags"]["event.id"], "1");
    assert_eq!(others["fingerprint"], serde_json::json!(["fjall::journal"]));
    assert!(!others.to_string().contains("hush"), "{others}");
}

#[tokio::test]
async fn a_sentry_that_does_not_answer_is_waited_for_once_and_not_for_long() {
    // Connections are made, and nobody takes them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sentry = at(listener.local_addr().unwrap().port());
    sentry.flush(PATIENCE).await;
    told(&sentry, || error!(incident = "panic", "panicked"));
    let begin = Instant::now();
    sentry.flush(Duration::from_millis(100)).await;
    assert!(begin.elapsed() >= Duration::from_millis(100));
    // What was waited for already is not waited for again.
    tokio::time::timeout(Duration::from_millis(1), sentry.flush(PATIENCE)).await.unwrap();
}

#[tokio::test]
async fn what_was_told_is_there_when_it_was_waited_for() {
    let (port, events) = server();
    let sentry = at(port);
    told(&sentry, || error!(incident = "panic", "panicked"));
    sentry.flush(PATIENCE).await;
    assert_eq!(events.try_recv().unwrap()["tags"]["incident"], "panic");
}

#[test]
fn one_kind_is_told_a_few_times_and_what_was_left_out_is_counted() {
    let (port, events) = server();
    told(&at(port), || {
        (0..100).for_each(|_| error!(incident = "panic", "panicked"));
        error!(incident = "log-broken", "it cannot write");
    });
    let all = [(); 3].map(|()| events.recv_timeout(PATIENCE).unwrap());
    let of = all.each_ref().map(|event| event["tags"]["incident"].as_str().unwrap());
    assert_eq!(of, ["panic", "panic", "log-broken"]);
    assert_eq!(all[2]["contexts"]["trouble"]["suppressed"], 98);
}
