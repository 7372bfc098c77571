//! Tokens signed by one of two keys, and what becomes of them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookwire_jwks::{Algorithm, Jwks, Jws, KeysUnavailable};
use jsonwebtoken::EncodingKey;
use serde_json::json;

const PRIVATE_KEY_A: &[u8] =
    include_bytes!("../../../../tests/fixtures/oidc/test-only-key-a.pkcs1.der");
const PRIVATE_KEY_B: &[u8] =
    include_bytes!("../../../../tests/fixtures/oidc/test-only-key-b.pkcs1.der");

#[derive(Clone, Copy)]
pub(crate) enum Key {
    A,
    B,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    LetIn,
    UnknownKey,
    Unavailable,
}

impl Key {
    pub(crate) fn kid(self) -> &'static str {
        match self {
            Self::A => "test-only-key-a",
            Self::B => "test-only-key-b",
        }
    }

    fn token(self) -> String {
        let private = match self {
            Self::A => PRIVATE_KEY_A,
            Self::B => PRIVATE_KEY_B,
        };
        let header = json!({ "alg": "RS256", "kid": self.kid() }).to_string();
        let signed = format!("{}.e30", URL_SAFE_NO_PAD.encode(header));
        let signature = jsonwebtoken::crypto::sign(
            signed.as_bytes(),
            &EncodingKey::from_rsa_der(private),
            jsonwebtoken::Algorithm::RS256,
        );
        format!("{signed}.{}", signature.unwrap())
    }
}

/// Verifies a token of this key as whoever uses a key set does.
pub(crate) async fn verify(jwks: &Arc<Jwks>, key: Key) -> Outcome {
    let token = key.token();
    let jws = Jws::parse(&token).unwrap();
    match jwks.key(jws.kid().unwrap(), Algorithm::Rs256).await {
        Ok(Some(found)) => {
            assert!(found.verifies(&jws), "a key under the id of another one");
            Outcome::LetIn
        }
        Ok(None) => Outcome::UnknownKey,
        Err(KeysUnavailable { .. }) => Outcome::Unavailable,
    }
}
