//! Webhooks in, events out.

use hmac::{Hmac, Mac};
use hookwire_tests::{HttpEvent, gmail_push};
use serde_json::json;
use sha2::Sha256;

use super::{body, deployed, outcome};

#[tokio::test]
async fn a_webhook_reaches_an_open_stream() {
    let (_redis, functions) = deployed(|options| options).await;
    let mut stream = functions.follow("topic=gmail/a@example.com", None).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(stream.headers["cache-control"], "no-cache, no-transform");
    stream.primed().await;
    let push = gmail_push("1", "a@example.com", 7);
    for expected in ["appended", "duplicate"] {
        let answer = functions.push("gmail", &push).await;
        assert_eq!(answer.status(), 200);
        let answer: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(answer, json!({ "outcome": expected, "id": "1" }));
    }
    let event = stream.event().await;
    assert_eq!((event.name.as_str(), &event.data["id"]), ("gmail.history", &json!("1")));
    assert_eq!(event.payload()["historyId"], "7");
}

/// Signed by bytes, whatever these are.
const SIGNED: &str = "[[sources]]\nname = \"signed\"\nkind = \"hmac\"\nsecret = \"a secret that is shared\"\n\
                      header = \"X-Signature\"\n";

fn signed(body: &[u8]) -> HttpEvent {
    let mut hmac = Hmac::<Sha256>::new_from_slice(b"a secret that is shared").unwrap();
    hmac.update(body);
    let signature = hmac.finalize().into_bytes();
    let signature: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    HttpEvent::post("/webhooks/signed").header("x-signature", signature).body(body)
}

#[tokio::test]
async fn what_is_signed_is_the_bytes_whichever_way_they_come() {
    let (_redis, functions) = deployed(|options| options.source(SIGNED)).await;
    let json = b"{\"text\":\"\xc3\xa4 \\u00e4\", \"n\": 1}";
    for (event, expected) in [
        (signed(json).header("content-type", "application/json"), 200),
        (signed(json).header("content-type", "application/json").in_base64(), 200),
        (signed(json), 200),
        (signed(b"\xff\0\x01\r\n").header("content-type", "application/octet-stream"), 200),
        // Says that it is text, and is not.
        (signed(b"\xff\0\x01\r\n").header("content-type", "text/plain"), 200),
        (signed(b"one").header("content-type", "text/plain").body("two"), 401),
        (signed(b"one").in_base64().body("two"), 401),
    ] {
        let answer = functions.receive.call(event.clone()).await.unwrap();
        assert_eq!(answer["statusCode"], expected, "{event:?}: {answer}");
    }
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_not_one_byte_more() {
    const MOST: usize = 1 << 20;
    let (_redis, functions) = deployed(|options| options.source(SIGNED)).await;
    for base64 in [false, true] {
        for (bytes, expected) in [(MOST, 200), (MOST + 1, 413)] {
            let event = signed(&vec![b'x'; bytes]).header("content-type", "text/plain");
            let event = if base64 { event.in_base64() } else { event };
            let answer = functions.receive.call(event).await.unwrap();
            assert_eq!(answer["statusCode"], expected, "{bytes} bytes: {}", body(&answer));
        }
    }
    let url = functions.gateway.api() + "/webhooks/gmail";
    let large = functions.client.post(url).body(vec![b'x'; 7 << 20]).send().await.unwrap();
    assert_eq!(large.status(), 413, "Lambda itself takes no more than six");
}

#[tokio::test]
async fn a_topic_may_have_slashes_encoded_or_not() {
    let (_redis, functions) = deployed(|options| options).await;
    // An HTTP API decodes the path, and a function URL does not.
    for (id, topic) in [("1", "orders%2F1"), ("2", "orders/1")] {
        let answer = functions.receive.call(super::publish(topic, id, &json!(id))).await.unwrap();
        assert_eq!(outcome(&answer), (200, "appended".to_owned()), "{answer}");
    }
    let mut stream = functions.follow("topic=orders/1&earliest", None).await;
    assert_eq!(
        [stream.event().await, stream.event().await].map(|event| event.payload().clone()),
        ["1", "2"]
    );
}
