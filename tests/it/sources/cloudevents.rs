//! CloudEvents over HTTP, made by the npm package `cloudevents`.

use hookwire_tests::{Relay, RelayOptions};
use http::Method;
use serde_json::{Value, json};

use super::sender::{Headers, keeps_nothing, push};
use crate::clients::Program;

const FILE: &str = "[[sources]]\nname = \"x\"\nkind = \"cloudevents\"\nsecret = \"let-me-in\"\n";

async fn relay() -> Relay {
    RelayOptions::default().file(FILE).start().await
}

/// Makes a request of an event.
async fn made(program: &mut Program, mode: &str, event: &Value) -> (Headers, String) {
    let answer = program.ask(&json!({ "mode": mode, "event": event })).await;
    let mut headers: Headers = serde_json::from_value(answer["headers"].clone()).unwrap();
    headers.insert("authorization".into(), "Bearer let-me-in".into());
    (headers, answer["body"].as_str().unwrap().to_owned())
}

fn order(id: &str, source: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": source, "type": "order.placed", "time": "2026-02-26T19:13:55.749Z",
        "subject": "orders/7", "region": "eu", "partitionkey": "customer-7", "data": { "n": 1 },
    })
}

async fn outcome(relay: &Relay, (headers, body): &(Headers, String)) -> String {
    let answer = push(relay, headers, body.as_str()).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    answer["outcome"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_modes_keep_the_event_as_it_is_and_its_source_and_id_tell_duplicates() {
    let relay = relay().await;
    let mut program = Program::start("sign.mjs", &[]);
    let mut stream = relay.follow("topic=x", None).await;
    stream.primed().await;
    for (mode, source, wanted) in [
        ("binary", "/shop", "appended"),
        ("structured", "/shop", "duplicate"),
        ("structured", "/another-shop", "appended"),
        ("binary", "/another-shop", "duplicate"),
    ] {
        let request = made(&mut program, mode, &order("7", source)).await;
        assert_eq!(outcome(&relay, &request).await, wanted, "{mode} {source}");
        if wanted == "appended" {
            let event = stream.event().await;
            assert_eq!(event.name, "order.placed");
            assert_eq!(*event.payload(), json!({ "n": 1 }));
            for (name, value) in [
                ("id", "7"),
                ("source", source),
                ("time", "2026-02-26T19:13:55.749Z"),
                ("region", "eu"),
                ("partitionkey", "customer-7"),
                ("cesubject", "orders/7"),
                ("subject", "x"),
            ] {
                assert_eq!(event.data[name], value, "{mode} {name}");
            }
        }
    }
}

#[tokio::test]
async fn data_of_any_form_arrives_as_it_was_sent() {
    let relay = relay().await;
    let mut stream = relay.follow("topic=x", None).await;
    stream.primed().await;
    let attributes = [("ce-specversion", "1.0"), ("ce-source", "/shop"), ("ce-type", "a")];
    let binary = [
        ("text/plain", &b"a\nb"[..], "data", "a\nb"),
        ("image/png", b"\xff\0", "data_base64", "/wA="),
    ];
    for (n, (content_type, body, name, data)) in binary.into_iter().enumerate() {
        let mut headers: Headers =
            attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        headers.insert("ce-id".into(), n.to_string());
        headers.insert("authorization".into(), "Bearer let-me-in".into());
        headers.insert("content-type".into(), content_type.into());
        assert_eq!(push(&relay, &headers, body).await.status(), 200);
        assert_eq!(stream.event().await.data[name], data, "{content_type}");
    }
    let headers = Headers::from([
        ("authorization".into(), "Bearer let-me-in".into()),
        ("content-type".into(), "application/cloudevents+json; charset=utf-8".into()),
    ]);
    for (id, name, data) in [("a", "data", "text"), ("b", "data_base64", "/wA=")] {
        let event =
            json!({ "specversion": "1.0", "id": id, "source": "/shop", "type": "a", name: data });
        assert_eq!(outcome(&relay, &(headers.clone(), event.to_string())).await, "appended");
        assert_eq!(stream.event().await.data[name], data, "{id}");
    }
}

#[tokio::test]
async fn without_the_secret_nothing_is_read() {
    let relay = relay().await;
    let mut program = Program::start("sign.mjs", &[]);
    for mode in ["binary", "structured"] {
        let (mut headers, body) = made(&mut program, mode, &order("7", "/shop")).await;
        headers.insert("authorization".into(), "Bearer let-me-im".into());
        assert_eq!(push(&relay, &headers, body.as_str()).await.status(), 401);
        headers.remove("authorization");
        assert_eq!(push(&relay, &headers, body.as_str()).await.status(), 401);
        assert_eq!(push(&relay, &headers, "{ broken").await.status(), 401);
    }
    keeps_nothing(&relay, "x").await;
}

#[tokio::test]
async fn what_is_no_single_event_is_refused_with_what_to_send() {
    let relay = relay().await;
    for (content_type, wanted) in [
        ("application/cloudevents-batch+json", "batches"),
        ("application/cloudevents+avro", "application/cloudevents+json"),
        ("application/json", "`ce-` headers"),
    ] {
        let headers = Headers::from([
            ("authorization".into(), "Bearer let-me-in".into()),
            ("content-type".into(), content_type.into()),
        ]);
        let answer = push(&relay, &headers, "[]").await;
        assert_eq!(answer.status(), 415);
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(wanted), "{problem}");
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_one_is_quarantined() {
    let relay = relay().await;
    let mut program = Program::start("sign.mjs", &[]);
    let (right, body) = made(&mut program, "binary", &order("7", "/shop")).await;
    for (header, value, reason) in [
        ("ce-id", "%C0%AF", "UTF-8"),
        ("ce-id", "", "its id is none"),
        ("ce-specversion", "0.3", "specversion"),
        ("ce-source", "/webhooks/gmail", "belong"),
        ("ce-type", "hookwire.gap", "belong to the relay"),
        ("ce-time", "yesterday", "time"),
        ("ce-with-dash", "x", "withdash"),
    ] {
        let mut headers = right.clone();
        headers.insert(header.into(), value.into());
        let answer: Value = push(&relay, &headers, body.as_str()).await.json().await.unwrap();
        assert_eq!(answer["outcome"], "quarantined", "{header}: {value}");
        assert!(answer["reason"].as_str().unwrap().contains(reason), "{answer}");
    }
    let structured =
        json!({ "specversion": "1.0", "id": "1", "source": "/shop", "type": "a", "b": {} });
    let headers = Headers::from([
        ("authorization".into(), "Bearer let-me-in".into()),
        ("content-type".into(), "application/cloudevents+json".into()),
    ]);
    for body in [structured.to_string(), "{".into(), "{}".into()] {
        assert_eq!(outcome(&relay, &(headers.clone(), body)).await, "quarantined");
    }
}

#[tokio::test]
async fn a_sender_that_asks_whether_it_may_push_is_told_how_often() {
    let relay = RelayOptions::default().file(FILE).set("SOURCE_LIMIT", 600).start().await;
    let ask = || relay.client.request(Method::OPTIONS, relay.url("/webhooks/x"));
    let answer = ask().header("webhook-request-origin", "eventemitter.example.com").send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["webhook-allowed-origin"], "eventemitter.example.com");
    assert_eq!(answer.headers()["webhook-allowed-rate"], "600");
    assert_eq!(answer.headers()["allow"], "POST, OPTIONS");
    assert_eq!(ask().send().await.unwrap().status(), 400);
    let get = relay.get("/webhooks/x").send().await.unwrap();
    assert_eq!(get.status(), 405);
}
