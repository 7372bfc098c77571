//! Senders of which nothing is known but their secret, and what all sources have in common.

use std::time::Duration;

use hookwire_tests::RelayOptions;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::sender::{Headers, push};

/// Shorter than a relay waits for a body.
const PATIENCE: Duration = Duration::from_secs(3);

const SECRET: &str = "a-secret-of-visible-characters";

fn bearer(secret: &str) -> Headers {
    Headers::from([("authorization".into(), format!("Bearer {secret}"))])
}

fn source(settings: &str) -> RelayOptions {
    let file = format!(
        "[[sources]]\nname = \"x\"\nkind = \"bearer\"\nsecret = [\"old\", \"{SECRET}\"]\n{settings}"
    );
    RelayOptions::default().file(&file)
}

#[tokio::test]
async fn a_bearer_secret_lets_in_and_another_one_does_not() {
    let relay = source("").start().await;
    for (headers, status) in [
        (Headers::new(), 401),
        (bearer("a-secret-of-visible-character"), 401),
        (bearer(""), 401),
        (Headers::from([("authorization".into(), format!("Basic {SECRET}"))]), 401),
        (Headers::from([("authorization".into(), SECRET.into())]), 401),
        (bearer(SECRET), 200),
        (bearer("old"), 200),
    ] {
        let answer = push(&relay, &headers, "{}").await;
        assert_eq!(answer.status(), status, "{headers:?}");
        if status == 401 {
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn without_proof_a_push_is_refused_before_its_body_comes() {
    for (kind, secret) in [
        ("bearer", SECRET),
        ("cloudevents", SECRET),
        ("github", SECRET),
        ("stripe", SECRET),
        ("slack", SECRET),
        ("standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("hmac", "x\"\nheader = \"X-Signature"),
    ] {
        let file = format!("[[sources]]\nname = \"x\"\nkind = \"{kind}\"\nsecret = \"{secret}\"\n");
        let relay = RelayOptions::default().file(&file).start().await;
        let mut connection = TcpStream::connect(relay.address()).await.unwrap();
        let head = "POST /webhooks/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        let answered = connection.read_exact(&mut status);
        tokio::time::timeout(PATIENCE, answered).await.expect(kind).unwrap();
        assert_eq!(&status, b"HTTP/1.1 401", "{kind}");
    }
}

#[tokio::test]
async fn any_body_arrives_as_it_was_sent() {
    let relay = source("").start().await;
    let mut stream = relay.follow("topic=x", None).await;
    stream.primed().await;
    for (content_type, body, name, data) in [
        ("application/json", &b"{\"n\": 1}"[..], "data", json!({ "n": 1 })),
        ("application/json", b"{broken", "data", json!("{broken")),
        ("text/plain", b"a\r\nb: c\n\n", "data", json!("a\r\nb: c\n\n")),
        ("application/x-protobuf", b"\xff\0\n", "data_base64", json!("/wAK")),
        ("text/plain", b"", "data", json!("")),
    ] {
        let mut headers = bearer(SECRET);
        headers.insert("content-type".into(), content_type.into());
        assert_eq!(push(&relay, &headers, body).await.status(), 200);
        let event = stream.event().await;
        assert_eq!(event.data[name], data, "{body:?}");
        assert_eq!(event.name, "webhook.message");
    }
}

#[tokio::test]
async fn only_an_id_that_the_sender_gave_tells_duplicates() {
    let relay = source("id_pointer = \"/event/id\"\n").start().await;
    let mut outcomes = Vec::new();
    for body in [
        r#"{"event":{"id":7}}"#,
        r#"{"event":{"id":7},"again":true}"#,
        r#"{"event":{"id":"8"}}"#,
        r#"{"event":{}}"#,
        r#"{"event":{}}"#,
        "no json",
        r#"{"event":{"id":{}}}"#,
        r#"{"event":{"id":1.5}}"#,
    ] {
        let answer: Value = push(&relay, &bearer(SECRET), body).await.json().await.unwrap();
        outcomes.push(answer["outcome"].clone());
    }
    let wanted = ["appended", "duplicate", "appended", "appended", "appended", "appended"];
    assert_eq!(outcomes[..6], wanted);
    assert_eq!(outcomes[6..], ["quarantined", "quarantined"]);
}

#[tokio::test]
async fn failed_signatures_are_limited_and_signed_pushes_from_the_same_address_are_not() {
    let file =
        "[[sources]]\nname = \"x\"\nkind = \"github\"\nsecret = \"It's a Secret to Everybody\"\n";
    let relay = RelayOptions::default().file(file).set("CLIENT_LIMIT", 10).start().await;
    let headers = |signature: &str, n: usize| {
        Headers::from([
            ("x-hub-signature-256".into(), format!("sha256={signature}")),
            ("x-github-event".into(), "ping".into()),
            ("x-github-delivery".into(), n.to_string()),
        ])
    };
    let mut statuses = Vec::new();
    for n in 0..20 {
        statuses.push(push(&relay, &headers(&"00".repeat(32), n), "x").await.status().as_u16());
    }
    assert!(statuses.starts_with(&[401; 10]), "{statuses:?}");
    assert!(statuses[15..].iter().all(|status| *status == 429), "{statuses:?}");
    let right = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    for n in 0..50 {
        assert_eq!(push(&relay, &headers(right, n), "Hello, World!").await.status(), 200);
    }
}

#[tokio::test]
async fn verified_pushes_of_a_source_have_a_limit_of_their_own() {
    let relay = source("").set("SOURCE_LIMIT", 60).set("SOURCE_BURST", 5).start().await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(push(&relay, &bearer(SECRET), "{}").await.status().as_u16());
    }
    assert!(statuses.starts_with(&[200; 5]) && statuses.contains(&429), "{statuses:?}");
}
