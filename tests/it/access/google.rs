//! A push brings Google's token: every way to get it wrong, and every trouble with the keys.

mod keys;

use hookwire_tests::{KeyServer, Relay, RelayOptions, gmail_push, key_set, now_s, sign_rs256};
use serde_json::{Value, json};

use super::answer::Answer;
use super::forged;

const AUDIENCE: &str = "https://relay5c.example/webhooks/gmail";
const EMAIL: &str = "push5c@project.iam.gserviceaccount.com";
const OTHER_EMAIL: &str = "eve91d2@project.iam.gserviceaccount.com";
const PUSHED_TO: &str = "alice7f3a@example.com";

fn claims() -> Value {
    json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "113774264463038321964",
        "sub": "113774264463038321964", "email": EMAIL, "email_verified": true,
        "iat": now_s(), "exp": now_s() + 3_600,
    })
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut claims = claims();
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// A relay that takes Google's keys from this server. Failures are not limited, so that each is told.
async fn relay(keys: &KeyServer) -> Relay {
    let options = RelayOptions::default().set("PUSH_AUDIENCE", AUDIENCE).set("PUSH_EMAIL", EMAIL);
    options.set("PUSH_JWKS", &keys.url).set("CLIENT_LIMIT", 10_000_000).start().await
}

async fn push(relay: &Relay, token: &str) -> Answer {
    let body = gmail_push(&format!("{}", token.len()), PUSHED_TO, 1);
    Answer::to(relay.post("/webhooks/gmail").json(&body).bearer_auth(token)).await
}

#[tokio::test]
async fn every_claim_of_googles_token_has_its_rule() {
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = relay(&keys).await;
    let (now, day) = (now_s(), 24 * 3_600);
    let bad = (401, "unauthorized");
    let stranger = (403, "forbidden");
    let cases = [
        ("good", claims(), (200, ""), ""),
        ("short issuer", with(&[("iss", json!("accounts.google.com"))]), (200, ""), ""),
        ("a day long", with(&[("iat", json!(now)), ("exp", json!(now + day))]), (200, ""), ""),
        ("valid since now", with(&[("nbf", json!(now))]), (200, ""), ""),
        ("other issuer", with(&[("iss", json!("https://accounts.google.com.evil"))]), bad, "iss"),
        ("http issuer", with(&[("iss", json!("http://accounts.google.com"))]), bad, "iss"),
        (
            "issuer with a slash",
            with(&[("iss", json!("https://accounts.google.com/"))]),
            bad,
            "iss",
        ),
        ("no issuer", without("iss"), bad, "iss"),
        ("unverified", with(&[("email_verified", json!(false))]), stranger, "email_verified"),
        (
            "verified as text",
            with(&[("email_verified", json!("true"))]),
            stranger,
            "email_verified",
        ),
        ("verified as number", with(&[("email_verified", json!(1))]), stranger, "email_verified"),
        ("nothing about it", without("email_verified"), stranger, "email_verified"),
        ("other account", with(&[("email", json!(OTHER_EMAIL))]), stranger, "service account"),
        (
            "account in capitals",
            with(&[("email", json!(EMAIL.to_uppercase()))]),
            stranger,
            "service account",
        ),
        ("no account", without("email"), stranger, "service account"),
        ("other audience", with(&[("aud", json!("https://other5c.example/"))]), stranger, "aud"),
        ("audience with a slash", with(&[("aud", json!(format!("{AUDIENCE}/")))]), stranger, "aud"),
        ("two audiences", with(&[("aud", json!([AUDIENCE, "x"]))]), bad, "aud"),
        ("no audience", without("aud"), bad, "aud"),
        (
            "expired",
            with(&[("iat", json!(now - 7_200)), ("exp", json!(now - 3_600))]),
            bad,
            "expired",
        ),
        ("without end", without("exp"), bad, "exp"),
        ("without beginning", without("iat"), bad, "iat"),
        ("not yet valid", with(&[("nbf", json!(now + 600))]), bad, "nbf"),
        (
            "from the future",
            with(&[("iat", json!(now + 600)), ("exp", json!(now + 900))]),
            bad,
            "iat",
        ),
        ("longer than a day", with(&[("exp", json!(now + day + 60))]), bad, "lifetime"),
        ("endless", with(&[("exp", json!(1e300))]), bad, "lifetime"),
        ("end as text", with(&[("exp", json!((now + 60).to_string()))]), bad, "exp"),
    ];
    let cases =
        cases.map(|(name, claims, told, help)| (name, sign_rs256("a", None, &claims), told, help));
    let others = [
        ("other key", sign_rs256("b", Some("test-only-key-a"), &claims()), bad, "signature"),
        ("unpublished key", sign_rs256("b", None, &claims()), bad, "kid"),
        ("no signature", forged::unsigned(&claims()), bad, "not a signed JWT"),
        (
            "changed signature",
            forged::resigned(&sign_rs256("a", None, &claims())),
            bad,
            "signature",
        ),
    ];
    let forged = forged::SPELLINGS
        .map(|spelling| (spelling, forged::forged(spelling, &claims()), bad, "alg"));
    for (case, token, (status, kind), help) in cases.into_iter().chain(others).chain(forged) {
        let answer = push(&relay, &token).await;
        assert_eq!(answer.told(), (status, kind.to_owned()), "{case}: {}", answer.body);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{case}");
        if status == 200 {
            continue;
        }
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{case}");
        assert!(answer.detail().contains(help), "{case}: {}", answer.detail());
        for private in ["5c", "91d2", "7f3a"].into_iter().chain(token.split('.').take(2)) {
            assert!(!answer.body.contains(private), "{case}: {}", answer.body);
        }
    }
}
