//! Tokens of every kind, good unless changed, and a verifier that takes them.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_grant::{Algorithm, Grant, GrantConfig, HmacSecret, TokenError, Verifier};
use hookwire_jwks::{Jwks, JwksConfig, JwksLocation};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const RSA_A: &[u8] = include_bytes!("../../../../tests/fixtures/oidc/test-only-key-a.pkcs1.der");
const RSA_B: &[u8] = include_bytes!("../../../../tests/fixtures/oidc/test-only-key-b.pkcs1.der");
const RSA_A_SET: &str = include_str!("../../../../tests/fixtures/oidc/jwks-a.json");
const RSA_B_SET: &str = include_str!("../../../../tests/fixtures/oidc/jwks-b.json");

/// The key pair of RFC 7515 A.3.
const EC: [&str; 3] = [
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
];

/// The key pair of RFC 8037 A.1.
const ED: [&str; 2] =
    ["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"];

pub(crate) const SECRET: &str = "a secret of the tests and of nothing else";
pub(crate) const OTHER_SECRET: &str = "another secret of the tests, as long as it must be";

/// The time at which all tokens are looked at, 100 s after they were issued.
pub(crate) const NOW: u64 = 1_800_000_000;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Secret,
    OtherSecret,
    RsaA,
    RsaB,
    Ec,
    Ed,
}

impl Key {
    /// One of each algorithm, all of them configured in [`everything`].
    pub(crate) const OF_EACH: [Self; 4] = [Self::Secret, Self::RsaA, Self::Ec, Self::Ed];

    pub(crate) fn kid(self) -> &'static str {
        match self {
            Self::Secret | Self::OtherSecret => "secret",
            Self::RsaA => "test-only-key-a",
            Self::RsaB => "test-only-key-b",
            Self::Ec => "ec",
            Self::Ed => "ed",
        }
    }

    pub(crate) fn algorithm(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Secret | Self::OtherSecret => jsonwebtoken::Algorithm::HS256,
            Self::RsaA | Self::RsaB => jsonwebtoken::Algorithm::RS256,
            Self::Ec => jsonwebtoken::Algorithm::ES256,
            Self::Ed => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    pub(crate) fn private(self) -> EncodingKey {
        let part = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        match self {
            Self::Secret => EncodingKey::from_secret(SECRET.as_bytes()),
            Self::OtherSecret => EncodingKey::from_secret(OTHER_SECRET.as_bytes()),
            Self::RsaA => EncodingKey::from_rsa_der(RSA_A),
            Self::RsaB => EncodingKey::from_rsa_der(RSA_B),
            Self::Ec => {
                // PKCS #8 around the SEC1 key with its public point.
                let [x, y, d] = EC.map(part);
                let mut der =
                    hex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420");
                der.extend(d);
                der.extend(hex("a14403420004"));
                der.extend([x, y].concat());
                EncodingKey::from_ec_der(&der)
            }
            Self::Ed => {
                let mut der = hex("302e020100300506032b657004220420");
                der.extend(part(ED[1]));
                EncodingKey::from_ed_der(&der)
            }
        }
    }

    pub(crate) fn published(self) -> Value {
        let first = |set: &str| serde_json::from_str::<Value>(set).unwrap()["keys"][0].take();
        match self {
            Self::Secret | Self::OtherSecret => panic!("a secret is not published"),
            Self::RsaA => first(RSA_A_SET),
            Self::RsaB => first(RSA_B_SET),
            Self::Ec => {
                json!({ "kty": "EC", "crv": "P-256", "x": EC[0], "y": EC[1], "kid": self.kid() })
            }
            Self::Ed => json!({ "kty": "OKP", "crv": "Ed25519", "x": ED[0], "kid": self.kid() }),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    key: Key,
}

impl Token {
    pub(crate) fn signed_by(key: Key) -> Self {
        let alg = format!("{:?}", key.algorithm());
        Self {
            header: json!({ "alg": alg, "kid": key.kid(), "typ": "JWT" }),
            claims: json!({
                "sub": "alice@example.com",
                "iat": NOW - 100,
                "exp": NOW + 3600,
                "hookwire": { "subscribe": ["gmail/{sub}", "orders/*"], "publish": ["orders/**"] },
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
        self.signed_with(&self.key.private(), self.key.algorithm())
    }

    pub(crate) fn signed_with(
        &self,
        key: &EncodingKey,
        algorithm: jsonwebtoken::Algorithm,
    ) -> String {
        sign(&self.unsigned(), key, algorithm)
    }
}

pub(crate) fn sign(
    unsigned: &str,
    key: &EncodingKey,
    algorithm: jsonwebtoken::Algorithm,
) -> String {
    let signature = jsonwebtoken::crypto::sign(unsigned.as_bytes(), key, algorithm).unwrap();
    format!("{unsigned}.{signature}")
}

/// A verifier and the file of its keys.
pub(crate) struct Fixture {
    verifier: Verifier,
    _keys: NamedTempFile,
}

impl Fixture {
    pub(crate) fn new(
        secrets: &[&str],
        published: &[Value],
        accepted: &[Algorithm],
        config: GrantConfig,
    ) -> Self {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), json!({ "keys": published }).to_string()).unwrap();
        let location = JwksLocation::from(file.path().to_owned());
        let jwks = Arc::new(Jwks::new(JwksConfig::new(location)));
        let verifier = Verifier::new(GrantConfig {
            secrets: secrets.iter().map(|secret| HmacSecret::new(*secret).unwrap()).collect(),
            jwks: (!published.is_empty()).then(|| (jwks, accepted.to_vec())),
            ..config
        });
        Self { verifier, _keys: file }
    }

    /// One key of each algorithm.
    pub(crate) fn everything() -> Self {
        Self::everything_but(GrantConfig::default())
    }

    pub(crate) fn everything_but(config: GrantConfig) -> Self {
        let published = [Key::RsaA, Key::Ec, Key::Ed].map(Key::published);
        Self::new(&[SECRET], &published, &Algorithm::ALL, config)
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Grant, TokenError> {
        self.verify_at(token, at(NOW)).await
    }

    pub(crate) async fn verify_at(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<Grant, TokenError> {
        self.verifier.verify(token, now).await
    }

    pub(crate) fn debug(&self) -> String {
        format!("{:?}", self.verifier)
    }
}

/// What a refusal says, for the tables of the tests.
pub(crate) fn bad(outcome: Result<Grant, TokenError>) -> &'static str {
    match outcome {
        Err(TokenError::Bad { reason }) => reason,
        other => panic!("not refused as a bad token: {other:?}"),
    }
}

pub(crate) fn at(unix_seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(unix_seconds)
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
