//! Wrong and hostile input: a clear error, and nothing else happens.

use hookwire_tests::{Relay, RelayOptions, gmail_push, pubsub_push};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn every_wrong_request_is_told_what_would_be_right() {
    let relay =
        RelayOptions::default().set("MAX_BODY", "1KiB").set("CLIENT_LIMIT", 10_000).start().await;
    let json = Some("application/json");
    let large = "x".repeat(2_000);
    for (method, path, content_type, body, status, kind) in [
        ("GET", "/webhooks/gmail", None, "", 405, "method-not-allowed"),
        ("POST", "/webhooks/unknown", json, "{}", 404, "unknown-source"),
        ("POST", "/webhooks/gmail", None, "{}", 415, "content-type"),
        ("POST", "/webhooks/gmail", Some("text/plain"), "{}", 415, "content-type"),
        ("POST", "/webhooks/gmail", json, large.as_str(), 413, "too-large"),
        ("GET", "/events", None, "", 400, "no-topic"),
        ("GET", "/events?topic=a%0ab", None, "", 400, "bad-topic"),
        ("GET", "/events?topic=a&last_n=many", None, "", 400, "bad-start"),
        ("POST", "/events?topic=a", json, "{}", 405, "method-not-allowed"),
        ("POST", "/topics/a/events", json, "{", 400, "bad-json"),
        ("POST", "/topics/a/events", None, "{}", 415, "content-type"),
        ("POST", "/topics/a/events", json, large.as_str(), 413, "too-large"),
        ("POST", "/topics/a/events?type=a%0d%0ab", json, "{}", 400, "bad-event"),
        ("POST", "/topics/a/events?type=hookwire.gap", json, "{}", 400, "bad-event"),
        ("POST", "/topics/a%20b/events", json, "{}", 400, "bad-topic"),
        ("GET", "/topics/%FF/events", None, "", 400, "bad-topic"),
        ("GET", "/admin/quarantine/%FF", None, "", 404, "not-found"),
        ("POST", "/topics/a", json, "{}", 404, "not-found"),
        (
            "POST",
            "/topics/a/events",
            Some("application/cloudevents+json"),
            "{}",
            400,
            "bad-cloud-event",
        ),
        ("GET", "/topics/a/events?limit=0", None, "", 400, "bad-limit"),
        ("POST", "/ack", json, "{}", 400, "bad-ack"),
        ("GET", "/admin/quarantine/7", None, "", 404, "not-found"),
        ("GET", "/nowhere", None, "", 404, "not-found"),
        ("DELETE", "/", None, "", 405, "method-not-allowed"),
    ] {
        let method: Method = method.parse().unwrap();
        let mut request = relay.client.request(method, relay.url(path)).body(body.to_owned());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap(), "{path} {body:.40}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let allow = answer.headers().get("allow").is_some();
        assert_eq!(allow, status == 405, "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], format!("urn:hookwire:problem:{kind}"), "{path} {problem}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
    }
}

#[tokio::test]
async fn whatever_a_payload_holds_it_arrives_and_forges_nothing() {
    let relay = RelayOptions::default()
        .on_disk()
        .set("MAX_BODY", "2MiB")
        .set("CLIENT_LIMIT", 10_000)
        .start()
        .await;
    let topic = "pubsub/projects/myproject/subscriptions/mysubscription";
    let mut stream = relay.follow(&format!("topic={topic}"), None).await;
    stream.primed().await;
    let mebibyte = "x𝄞\n".repeat(1_048_576 / 6);
    for (n, text) in [
        "",
        "\r\n",
        "\n\n",
        "a\rb",
        "\0",
        "𝄞 \u{2028} \u{85}",
        "data: x\n\nid: 9\nevent: forged\ndata: {}\n\n",
        ":\n\nretry: 0\n\n",
        "\u{feff}",
        "</script>",
        mebibyte.as_str(),
    ]
    .into_iter()
    .enumerate()
    {
        let push =
            pubsub_push(&n.to_string(), text.as_bytes(), &json!({ "a\r\nb": "c\r\nid: 7\r\n\0" }));
        assert_eq!(relay.push("pubsub", &push).await.status(), 200);
        let event = stream.event().await;
        assert_eq!(event.name, "pubsub.message");
        assert_eq!(*event.payload(), *text);
        assert_eq!(event.data["id"], n.to_string());
    }
    relay.push("pubsub", &pubsub_push("binary", b"\xff\0\r\n\n", &json!({}))).await;
    assert_eq!(stream.event().await.data["data_base64"], "/wANCgo=");
}

#[tokio::test]
async fn pretty_printed_json_arrives_as_the_same_json() {
    let relay = Relay::start().await;
    let mut stream = relay.follow("topic=a", None).await;
    stream.primed().await;
    let body = "{\r\n  \"text\": \"two\\nlines\",\n  \"big\": 12345678901234567890123\n}\n";
    let request =
        relay.post("/topics/a/events").header("content-type", "application/json").body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(stream.event().await.payload()["text"], "two\nlines");
    assert!(String::from_utf8_lossy(&stream.raw).contains("12345678901234567890123"));
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_reach_an_open_relay() {
    let relay = Relay::start().await;
    for (host, origin, status) in [
        ("evil.example", None, 403),
        ("127.0.0.1", Some("https://evil.example"), 403),
        ("127.0.0.1", Some("null"), 403),
        ("localhost", Some("http://localhost:3000"), 200),
    ] {
        let mut request = relay.post("/topics/a/events").header("host", host).json(&json!(1));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{host} {origin:?}");
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_push_either() {
    let relay = Relay::start().await;
    let push = || relay.post("/webhooks/gmail").json(&gmail_push("1", "a@example.com", 1));
    let from_a_page =
        push().header("host", "rebound.example").header("origin", "http://rebound.example");
    assert_eq!(from_a_page.send().await.unwrap().status(), 403);
    let through_a_tunnel = push().header("host", "tunnel.example").send().await.unwrap();
    assert_eq!(through_a_tunnel.status(), 200);
}

#[tokio::test]
async fn a_publisher_cannot_speak_for_a_webhook() {
    let relay = Relay::start().await;
    let publish = |source: &str| {
        let event = json!({ "dataschema": "https://s.example", "unset": null, "count": 7, "specversion": "1.0", "id": "1", "source": source, "type": "t", "data": 1 });
        relay
            .post("/topics/a/events")
            .header("content-type", "application/cloudevents+json")
            .body(event.to_string())
    };
    assert_eq!(publish("/webhooks/gmail").send().await.unwrap().status(), 400);
    assert_eq!(publish("https://shop.example").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_not_quoted() {
    let relay = Relay::start().await;
    let (json, cloud_event) = ("application/json", "application/cloudevents+json");
    for (path, content_type, body) in [
        ("/ack", json, r#""hunter2""#),
        ("/ack", json, r#"{"client":"a","cursor":{"hunter2":1}}"#),
        ("/ack", json, r#"{"client":"a","cursor":"hunter2"#),
        ("/topics/a/events", cloud_event, r#""hunter2""#),
        ("/topics/a/events", cloud_event, r#"{"specversion":"hunter2","id":["hunter2"]}"#),
        ("/topics/a/events", json, r#"{"hunter2":hunter2}"#),
    ] {
        let request = relay.post(path).header("content-type", content_type).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path} {body}");
        let told = answer.text().await.unwrap();
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("column"), "it tells where: {told}");
    }
}
