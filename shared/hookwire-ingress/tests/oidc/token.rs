//! Tokens as Google signs them, and every way to get one wrong.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_ingress::oidc::{Caller, OidcConfig, OidcVerifier, VerifyError};
use hookwire_jwks::Jwks;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

const PRIVATE_KEY_A: &[u8] =
    include_bytes!("../../../../tests/fixtures/oidc/test-only-key-a.pkcs1.der");
const PRIVATE_KEY_B: &[u8] =
    include_bytes!("../../../../tests/fixtures/oidc/test-only-key-b.pkcs1.der");

pub(crate) const AUDIENCE: &str = "https://relay.example/webhooks/gmail";
pub(crate) const EMAIL: &str = "gmail-push@project-1.iam.gserviceaccount.com";

/// The time at which all tokens are looked at, 100 s after they were issued.
pub(crate) const NOW: u64 = ISSUED_AT + 100;

/// From the example in Google's documentation.
const ISSUED_AT: u64 = 1_550_182_335;

#[derive(Clone, Copy)]
pub(crate) enum Key {
    A,
    B,
}

impl Key {
    fn private(self) -> EncodingKey {
        EncodingKey::from_rsa_der(match self {
            Self::A => PRIVATE_KEY_A,
            Self::B => PRIVATE_KEY_B,
        })
    }

    pub(crate) fn kid(self) -> &'static str {
        match self {
            Self::A => "test-only-key-a",
            Self::B => "test-only-key-b",
        }
    }
}

/// A token of the shape in Google's documentation, good unless changed.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    key: Key,
}

impl Token {
    pub(crate) fn signed_by(key: Key) -> Self {
        Self {
            header: json!({ "alg": "RS256", "kid": key.kid(), "typ": "JWT" }),
            claims: json!({
                "aud": AUDIENCE,
                "azp": "113774264463038321964",
                "email": EMAIL,
                "email_verified": true,
                "exp": ISSUED_AT + 3600,
                "iat": ISSUED_AT,
                "iss": "https://accounts.google.com",
                "sub": "113774264463038321964",
            }),
            key,
        }
    }

    pub(crate) fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    pub(crate) fn without_claim(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.as_object_mut().unwrap().remove(name);
        self
    }

    pub(crate) fn unsigned(&self) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    pub(crate) fn signed(&self) -> String {
        self.signed_with(&self.key.private(), Algorithm::RS256)
    }

    pub(crate) fn signed_with(&self, key: &EncodingKey, algorithm: Algorithm) -> String {
        let signed = self.unsigned();
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    pub(crate) fn signed_with_rs512(&self) -> String {
        self.signed_with(&self.key.private(), Algorithm::RS512)
    }
}

pub(crate) fn bearer(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    headers
}

pub(crate) fn config() -> OidcConfig {
    OidcConfig::new(AUDIENCE, Some(EMAIL.to_owned()))
}

pub(crate) fn at(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds)
}

pub(crate) async fn verify(jwks: &Arc<Jwks>, token: &Token) -> Result<Caller, VerifyError> {
    verify_headers(jwks, &bearer(&token.signed())).await
}

pub(crate) async fn verify_headers(
    jwks: &Arc<Jwks>,
    headers: &HeaderMap,
) -> Result<Caller, VerifyError> {
    OidcVerifier::new(config(), Arc::clone(jwks)).verify(headers, at(NOW)).await
}
