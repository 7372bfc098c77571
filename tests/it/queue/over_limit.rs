use hookwire_tests::Sse;
use serde_json::{Value, json};

use super::Backends;

const SOURCE: &str = r#"
[[sources]]
name = "orders"
kind = "bearer"
topic = "orders"
secret = "a-secret-of-the-tests-that-is-long"
"#;

#[tokio::test]
async fn verified_pushes_over_the_limit_of_their_source_are_queued_and_come_later() {
    let backends = Backends::start().await;
    let options = backends.relay().file(SOURCE).set("SOURCE_LIMIT", 1).set("SOURCE_BURST", 3);
    let relay = options.start().await;
    let mut stream = relay.follow("topic=orders", None).await;
    stream.primed().await;
    let mut outcomes = Vec::new();
    for n in 0..6 {
        let push = relay.post("/webhooks/orders").header("idempotency-key", format!("o-{n}"));
        let push = push.bearer_auth("a-secret-of-the-tests-that-is-long").json(&json!(n));
        let answer: Value = push.send().await.unwrap().json().await.unwrap();
        outcomes.push(answer["outcome"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(outcomes, ["appended", "appended", "appended", "queued", "queued", "queued"]);
    let mut came = Vec::new();
    while came.len() < 6 {
        let Sse { name, data, .. } = stream.event().await;
        if !name.starts_with("hookwire.") {
            came.push(data["data"].as_u64().unwrap());
        }
    }
    came.sort_unstable();
    assert_eq!(came, [0, 1, 2, 3, 4, 5]);
}
