//! Only who proves to be Google's pusher is let in.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use hookwire_tests::{RelayOptions, gmail_push};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

pub(crate) const AUDIENCE: &str = "https://relay.example.com/webhooks/gmail";
pub(crate) const EMAIL: &str = "push@project.iam.gserviceaccount.com";

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/oidc").join(name)
}

pub(crate) fn token(change: impl Fn(&mut Value)) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1", "sub": "1", "email": EMAIL,
        "email_verified": true, "iat": now, "exp": now + 3_600,
    });
    change(&mut claims);
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("test-only-key-a".into());
    let key = std::fs::read(fixture("test-only-key-a.pkcs1.der")).unwrap();
    encode(&header, &claims, &EncodingKey::from_rsa_der(&key)).unwrap()
}

pub(crate) fn verified() -> RelayOptions {
    let options = RelayOptions::default().set("PUSH_AUDIENCE", AUDIENCE).set("PUSH_EMAIL", EMAIL);
    options.set("PUSH_JWKS", fixture("jwks-a.json").display())
}

#[tokio::test]
async fn a_push_needs_a_token_of_the_configured_account_for_the_configured_audience() {
    let relay = verified().start().await;
    let good = token(|_| ());
    let cases = [
        (None, 401),
        (Some(format!("Bearer {good}")), 200),
        (Some(format!("bearer {good}")), 200),
        (Some(format!("Bearer {good}x")), 401),
        (Some("Bearer nonsense".into()), 401),
        (Some("Basic YTpi".into()), 401),
        (Some(format!("Bearer {}", token(|claims| claims["exp"] = json!(1)))), 401),
        (
            Some(format!(
                "Bearer {}",
                token(|claims| claims["iss"] = json!("https://evil.example"))
            )),
            401,
        ),
        (
            Some(format!(
                "Bearer {}",
                token(|claims| claims["aud"] = json!("https://other.example"))
            )),
            403,
        ),
        (
            Some(format!("Bearer {}", token(|claims| claims["email"] = json!("eve@evil.example")))),
            403,
        ),
        (Some(format!("Bearer {}", token(|claims| claims["email_verified"] = json!("true")))), 403),
    ];
    for (n, (authorization, status)) in cases.into_iter().enumerate() {
        let mut push =
            relay.post("/webhooks/gmail").json(&gmail_push(&n.to_string(), "a@example.com", 1));
        if let Some(authorization) = &authorization {
            push = push.header("authorization", authorization);
        }
        let answer = push.send().await.unwrap();
        assert_eq!(answer.status(), status, "case {n}");
        if status == 401 {
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        }
        let body = answer.text().await.unwrap();
        assert!(!body.contains("eve@") && !body.contains(&good), "{body}");
    }
    let log = relay.log();
    assert!(
        !log.contains(&good) && !log.contains("eve@evil") && !log.contains("gserviceaccount"),
        "{log}"
    );
}

#[tokio::test]
async fn an_unverified_body_is_neither_read_nor_quarantined() {
    let relay = verified().start().await;
    let push = relay.post("/webhooks/gmail").header("content-type", "application/json");
    assert_eq!(push.body("{ not json").send().await.unwrap().status(), 401);
    let list: Value = relay.get("/admin/quarantine").send().await.unwrap().json().await.unwrap();
    assert_eq!(list["notifications"], json!([]));
}

#[tokio::test]
async fn failed_verifications_are_limited_and_genuine_pushes_from_the_same_address_are_not() {
    let relay = verified().set("CLIENT_LIMIT", 10).start().await;
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(relay.push("gmail", &json!({})).await.status().as_u16());
    }
    assert!(statuses.starts_with(&[401; 10]), "{statuses:?}");
    assert!(statuses[15..].iter().all(|status| *status == 429), "{statuses:?}");
    for n in 0..50 {
        let push =
            relay.post("/webhooks/gmail").json(&gmail_push(&n.to_string(), "a@example.com", 1));
        let answer = push.header("authorization", format!("Bearer {}", token(|_| ()))).send().await;
        assert_eq!(answer.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_source_over_its_limit_is_told_when_to_come_again() {
    let relay = verified().set("SOURCE_LIMIT", 60).set("SOURCE_BURST", 5).start().await;
    let token = token(|_| ());
    let mut statuses = Vec::new();
    for n in 0..8 {
        let push =
            relay.post("/webhooks/gmail").json(&gmail_push(&n.to_string(), "a@example.com", 1));
        let answer = push.header("authorization", format!("Bearer {token}")).send().await.unwrap();
        if answer.status() == 429 {
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        statuses.push(answer.status().as_u16());
    }
    assert!(statuses.starts_with(&[200; 5]) && statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_the_relays_trouble_and_not_the_senders() {
    let relay = verified().set("PUSH_JWKS", "/nowhere/jwks.json").start().await;
    let push = relay.post("/webhooks/gmail").json(&gmail_push("1", "a@example.com", 1));
    let answer =
        push.header("authorization", format!("Bearer {}", token(|_| ()))).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
}
