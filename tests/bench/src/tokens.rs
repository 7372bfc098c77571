use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// Secret of the relays that have one.
pub const SECRET: &str = "a secret of the benchmark, long enough";
/// Of the tokens that a pusher brings.
pub const AUDIENCE: &str = "https://relay.example.com/webhooks/bench";
pub const EMAIL: &str = "push@project.iam.gserviceaccount.com";

/// What signs the tokens of users.
#[derive(Debug, Clone, Copy)]
pub enum Algorithms {
    /// A secret shared with the relay.
    Hs256,
    /// A key of whoever logs users in.
    Rs256,
}

/// A token of one user, who may follow everything.
pub fn user(number: usize, algorithm: Algorithms) -> anyhow::Result<String> {
    let now = now_s();
    let claims = json!({
        "sub": format!("user-{number}"), "iat": now, "exp": now + 3_600, "hookwire": { "subscribe": ["**"] },
    });
    match algorithm {
        Algorithms::Hs256 => {
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            Ok(encode(&Header::new(Algorithm::HS256), &claims, &key)?)
        }
        Algorithms::Rs256 => signed(&claims),
    }
}

/// The token that Google's pusher brings with every push for an hour.
pub fn pusher() -> anyhow::Result<String> {
    let now = now_s();
    signed(&json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "azp": "1", "sub": "1", "email": EMAIL,
        "email_verified": true, "iat": now, "exp": now + 3_600,
    }))
}

/// The key set that knows what is signed with RS256.
pub fn key_set() -> PathBuf {
    fixture("jwks-a.json")
}

fn signed(claims: &Value) -> anyhow::Result<String> {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("test-only-key-a".into());
    let key = std::fs::read(fixture("test-only-key-a.pkcs1.der"))?;
    Ok(encode(&header, claims, &EncodingKey::from_rsa_der(&key))?)
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/oidc").join(name)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
