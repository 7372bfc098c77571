//! A JSON Web Key Set, of which only keys that can verify RS256 are taken.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc7517>

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

/// What RS256 may be verified with: RFC 7518 asks for 2048 bits or more, and the cryptography
/// library refuses more than 8192, so a larger key would fail on every token instead of being
/// ignored once.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc7518#section-3.3>
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The usable keys of one fetched set, by key id. Never empty.
pub(super) struct KeySet(HashMap<String, Arc<DecodingKey>>);

/// Why a document holds no keys for us.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeySetError {
    #[error("the answer is not a JSON Web Key Set")]
    Malformed(#[source] serde_json::Error),
    #[error("the key set holds no RSA signing key of 2048 bits or more with a key id")]
    NothingUsable,
}

#[derive(Deserialize)]
struct Document {
    // Each key is read on its own: one of a kind we do not know must not hide its neighbours.
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    n: String,
    e: String,
}

impl KeySet {
    pub(super) fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        let document: Document =
            serde_json::from_slice(document).map_err(KeySetError::Malformed)?;
        let keys: HashMap<_, _> = document.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeySetError::NothingUsable);
        }
        Ok(Self(keys))
    }

    pub(super) fn get(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.0.get(kid).map(Arc::clone)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn usable(key: Value) -> Option<(String, Arc<DecodingKey>)> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let signs = jwk.usage.is_none_or(|usage| usage == "sig");
    let rs256 = jwk.alg.is_none_or(|alg| alg == "RS256");
    if jwk.kty != "RSA" || !signs || !rs256 {
        return None;
    }
    let modulus = big_endian(&jwk.n)?;
    let exponent = big_endian(&jwk.e)?;
    MODULUS_BITS
        .contains(&bits(&modulus))
        .then(|| (jwk.kid, Arc::new(DecodingKey::from_rsa_raw_components(&modulus, &exponent))))
}

/// Reads a `Base64urlUInt`, without the leading zeros that some publishers add and cryptography
/// libraries refuse.
fn big_endian(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros() as usize);
    number.len() * 8 - unused
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The modulus of an RSA key of 1024 bits.
    const SHORT_MODULUS: &str = "\
        rzif1XpCEdZTm-1jGIQ1WAGVrPf6fH23O4MPOKuH9TDanhAdFAcmkhU1YTfbsN7dzwrCDSpi4BtSXGDn\
        JBaUDhGJR5jarjS1Aoi97UR8pe2ExrvhWHtiJFkFYvmMSzp3__ab-fK2BK1fp8bIkqYAAxuRK2nVLSAB\
        2KmMf-v4_2c";

    fn good(kid: &str) -> Value {
        let set = include_bytes!("../../../tests/fixtures/oidc/jwks-a.json");
        let mut set: Value = serde_json::from_slice(set).unwrap();
        set["keys"][0]["kid"] = json!(kid);
        set["keys"][0].take()
    }

    fn with(field: &str, value: Value) -> Value {
        let mut key = good("odd");
        key[field] = value;
        key
    }

    fn without(field: &str) -> Value {
        let mut key = good("odd");
        key.as_object_mut().unwrap().remove(field);
        key
    }

    fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn a_key_that_cannot_verify_rs256_is_ignored_and_its_neighbours_are_taken() {
        let too_long = format!("_{}", "A".repeat(1403));
        for odd in [
            with("kty", json!("EC")),
            with("kty", json!("oct")),
            with("use", json!("enc")),
            with("alg", json!("RS512")),
            with("alg", json!("HS256")),
            with("kid", json!(7)),
            with("n", json!(SHORT_MODULUS)),
            with("n", json!(format!("{}{SHORT_MODULUS}", "A".repeat(172)))),
            with("n", json!(too_long)),
            with("n", json!("not base64url!")),
            with("n", json!("")),
            without("kid"),
            without("n"),
            without("e"),
            json!("a string"),
            json!(null),
        ] {
            assert!(
                matches!(parse(std::slice::from_ref(&odd)), Err(KeySetError::NothingUsable)),
                "{odd}"
            );
            let keys = parse(&[odd.clone(), good("mine")]).unwrap();
            assert!(keys.len() == 1 && keys.get("mine").is_some(), "{odd}");
        }
    }

    #[test]
    fn use_and_alg_may_be_absent() {
        assert_eq!(parse(&[without("use")]).unwrap().len(), 1);
        assert_eq!(parse(&[without("alg")]).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for document in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"keys":{}}"#,
            r#"{"test-only-key-a":"-----BEGIN CERTIFICATE-----"}"#,
        ] {
            assert!(
                matches!(KeySet::parse(document.as_bytes()), Err(KeySetError::Malformed(_))),
                "{document}"
            );
        }
        assert!(matches!(parse(&[]), Err(KeySetError::NothingUsable)));
    }
}
