use std::io::{BufRead, stdin};
use std::path::{Path as FilePath, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::path::Path;

pub const SECRET: &str = "a secret of the benchmark, long enough";
pub const AUDIENCE: &str = "https://relay.example.com/webhooks/bench";
pub const EMAIL: &str = "push@project.iam.gserviceaccount.com";

/// The tokens that a path needs, made here because signing takes longer than what is counted.
pub fn lines(path: Path, iterations: usize) -> anyhow::Result<String> {
    let token = |number: usize| match path {
        Path::OpenAuthorised => user(number),
        Path::WebhookVerified => pusher(0),
        Path::WebhookVerifiedNew => pusher(number),
        _ => Ok(String::new()),
    };
    (0..iterations).map(|number| Ok(token(number)? + "\n")).collect()
}

/// The next token that was handed over.
pub fn next() -> anyhow::Result<String> {
    let mut line = String::new();
    stdin().lock().read_line(&mut line).context("no token was handed over")?;
    Ok(line.trim().to_owned())
}

/// The key set that pushers' tokens are verified with.
pub fn key_set() -> PathBuf {
    fixture("jwks-a.json")
}

fn user(number: usize) -> anyhow::Result<String> {
    let now = now_s();
    let claims = json!({
        "sub": format!("user-{number:06}"), "iat": now, "exp": now + 3_600, "hookwire": { "subscribe": ["**"] },
    });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}

/// As Google signs them; each number makes another one.
fn pusher(number: usize) -> anyhow::Result<String> {
    let now = now_s();
    signed(&json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1", "sub": format!("{number:06}"),
        "email": EMAIL, "email_verified": true, "iat": now, "exp": now + 3_600,
    }))
}

fn signed(claims: &Value) -> anyhow::Result<String> {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("test-only-key-a".into());
    let key = std::fs::read(fixture("test-only-key-a.pkcs1.der"))?;
    Ok(encode(&header, claims, &EncodingKey::from_rsa_der(&key))?)
}

fn fixture(name: &str) -> PathBuf {
    FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/oidc").join(name)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
