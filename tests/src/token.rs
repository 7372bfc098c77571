use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::RelayOptions;

/// The secret of the relays in the tests.
pub const SECRET: &str = "a secret of the tests that is long enough";

impl RelayOptions {
    /// Has a key, so that everybody needs a token.
    #[must_use]
    pub fn with_keys(self) -> Self {
        self.set("JWT_SECRET", SECRET)
    }
}

/// A token of `user` that is good for an hour, with these grants: the content of its claim `hookwire`.
#[must_use]
pub fn token(user: &str, grants: &Value) -> String {
    sign(&claims(user, grants))
}

/// What such a token claims, to be changed.
#[must_use]
pub fn claims(user: &str, grants: &Value) -> Value {
    let now = now_s();
    json!({ "sub": user, "iat": now, "exp": now + 3_600, "hookwire": grants })
}

/// Signs claims with the secret of the relays in the tests.
#[must_use]
pub fn sign(claims: &Value) -> String {
    sign_with(SECRET, claims)
}

/// Signs claims with this secret.
#[must_use]
pub fn sign_with(secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

/// Seconds since the Unix epoch.
#[must_use]
pub fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
