//! A push brings Google's token: every way to get it wrong, and every trouble with the keys.

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

/// Pushes again and again until it is answered so.
async fn push_until(relay: &Relay, token: &str, status: u16) {
    let pushed = async {
        while push(relay, token).await.status != status {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), pushed).await.expect("it changes");
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

#[tokio::test]
async fn a_key_that_is_published_later_is_taken_at_once_and_one_that_is_withdrawn_is_not() {
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = relay(&keys).await;
    let [old, new] = ["a", "b"].map(|key| sign_rs256(key, None, &claims()));
    assert_eq!(push(&relay, &old).await.status, 200);
    keys.publish(Some(key_set("b")));
    assert_eq!(push(&relay, &new).await.status, 200);
    assert_eq!(keys.asked(), 2);
    assert_eq!(push(&relay, &old).await.told(), (401, "unauthorized".into()));
}

#[tokio::test]
async fn without_any_key_a_push_is_to_come_again_and_is_taken_as_soon_as_there_are_keys() {
    let keys = KeyServer::start(None).await;
    let relay = relay(&keys).await;
    let token = sign_rs256("a", None, &claims());
    let answer = push(&relay, &token).await;
    assert_eq!(answer.told(), (503, "keys-unavailable".into()));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(answer.detail().contains("try again"), "{}", answer.detail());
    // Who is refused anyway is told so, without any key.
    let expired = with(&[("iat", json!(1)), ("exp", json!(2))]);
    assert_eq!(push(&relay, &sign_rs256("a", None, &expired)).await.status, 401);
    for _ in 0..100 {
        assert_eq!(push(&relay, &token).await.status, 503);
    }
    assert_eq!(keys.asked(), 1, "an endpoint in trouble is left alone for a while");
    keys.publish(Some(key_set("a")));
    push_until(&relay, &token, 200).await;
}

#[tokio::test]
async fn keys_that_were_seen_once_outlive_the_endpoint() {
    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = relay(&keys).await;
    let token = sign_rs256("a", None, &claims());
    assert_eq!(push(&relay, &token).await.status, 200);
    keys.publish(None);
    // The unknown key makes it ask, in vain.
    let unknown = sign_rs256("b", None, &claims());
    assert_eq!(push(&relay, &unknown).await.told(), (401, "unauthorized".into()));
    assert_eq!(keys.asked(), 2);
    assert_eq!(push(&relay, &token).await.status, 200);
    keys.publish(Some("{ no keys".into()));
    assert_eq!(push(&relay, &token).await.status, 200);
}

#[tokio::test]
async fn ten_thousand_made_up_key_ids_cost_the_key_server_one_more_request() {
    use futures_util::StreamExt;

    let keys = KeyServer::start(Some(key_set("a"))).await;
    let relay = relay(&keys).await;
    let claims = claims();
    // The signature is another key's: only the id decides whether it is asked for.
    let tokens: Vec<String> = {
        let signed = sign_rs256("b", None, &claims);
        let (rest, signature) = signed.rsplit_once('.').unwrap();
        let payload = rest.split_once('.').unwrap().1;
        (0..10_000)
            .map(|n| format!("{}.{payload}.{signature}", forged::header(&format!("kid-{n}"))))
            .collect()
    };
    let statuses = futures_util::stream::iter(
        tokens.iter().map(async |token| push(&relay, token).await.status),
    );
    let statuses: Vec<u16> = statuses.buffer_unordered(64).collect().await;
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
    assert!(keys.asked() <= 2, "{}", keys.asked());
    let good = sign_rs256("a", None, &claims);
    assert_eq!(push(&relay, &good).await.status, 200, "and nobody else is kept out");
}
