use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, DATE};
use hookwire_redis_server::ServerOptions;
use hookwire_tests::{KeyServer, RelayOptions, key_set};
use serde_json::Value;

use super::{Found, doctor_anywhere};

async fn with_keys_at(url: &str) -> Found {
    doctor_anywhere(&[("HOOKWIRE_JWKS", url), ("HOOKWIRE_JWT_AUDIENCE", "relay")]).await
}

#[tokio::test]
async fn keys_are_fetched_as_the_relay_would() {
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let found = with_keys_at(&keys.url).await;
    found.expect("ok", "keys", "1 keys, fetched again in 60 min, since it says no max-age");
    found.expect("ok", "clock", "no more than 2 s off");
    keys.publish(None);
    let found = with_keys_at(&keys.url).await;
    found.expect("bad", "keys", "500");
    assert_eq!(found.incidents(), ["keys-unavailable"]);
    with_keys_at("http://127.0.0.1:1/certs").await.expect("bad", "keys", "refused");
    with_keys_at("./no-such-file.json").await.expect("bad", "keys", "cannot be read");
    let push = [
        ("HOOKWIRE_PUSH_AUDIENCE", "https://relay.example"),
        ("HOOKWIRE_PUSH_EMAIL", "push@example.org"),
        ("HOOKWIRE_PUSH_JWKS", &keys.url),
    ];
    doctor_anywhere(&push).await.expect("bad", "keys", "500");
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_told_in_plain_words() {
    let server = ServerOptions::default().tls().start().await;
    let found = with_keys_at(&format!("https://{}/certs", server.address())).await;
    found.expect("bad", "keys", "nobody whom this machine trusts has signed its certificate");
}

/// Publishes keys by a clock that is this much off.
async fn keys_by_a_clock(ahead_s: i64) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/certs", listener.local_addr().unwrap());
    let router = Router::new().fallback(async move || {
        let off = Duration::from_secs(ahead_s.unsigned_abs());
        let now = SystemTime::now();
        let now = if ahead_s < 0 { now - off } else { now + off };
        let headers =
            [(DATE, httpdate::fmt_http_date(now)), (CACHE_CONTROL, "max-age=20000".to_owned())];
        (headers, key_set("a"))
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_clock_that_is_off_is_bad() {
    for (ahead_s, way) in [(60, "behind http"), (-60, "ahead of http")] {
        let found = with_keys_at(&keys_by_a_clock(ahead_s).await).await;
        found.expect("bad", "clock", way);
        assert!(found.has("ok", "keys", "fetched again in 5 h"), "{}", found.text);
    }
}

#[tokio::test]
async fn a_relay_that_cannot_fetch_keys_says_so_and_serves() {
    let keys = KeyServer::start(None).await;
    let relay = RelayOptions::default().set("JWKS", &keys.url).start().await;
    let ready = async || {
        let told = relay.get("/readyz").send().await.unwrap();
        assert_eq!(told.status(), 200);
        told.json::<Value>().await.unwrap()
    };
    assert_eq!(ready().await, serde_json::json!({ "ready": true }), "nobody has asked yet");
    let claims = serde_json::json!({ "sub": "a", "exp": hookwire_tests::now_s() + 60 });
    let token = hookwire_tests::sign_rs256("a", None, &claims);
    let answer = relay.get("/topics/a/events").bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let told = ready().await;
    assert_eq!(told["incidents"], serde_json::json!(["keys-unavailable"]), "{told}");
    assert!(told["degraded"][0].as_str().unwrap().contains("keys"), "{told}");
    assert!(!told.to_string().contains("http"), "{told}");
}
