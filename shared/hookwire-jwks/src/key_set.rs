//! A JSON Web Key Set, of which only public keys with a known algorithm are taken.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc7517>

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use crate::{Algorithm, VerifyingKey};

/// What RS256 may be verified with: RFC 7518 asks for 2048 bits or more, and the cryptography
/// library refuses more than 8192, so a larger key would fail on every token instead of being
/// ignored once.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc7518#section-3.3>
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A coordinate on P-256, which keeps its leading zeros, and a whole Ed25519 key.
///
/// Sources: <https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1.2>,
/// <https://www.rfc-editor.org/rfc/rfc8037#section-2>
const CURVE_BYTES: usize = 32;

/// The usable keys of one fetched set. Never empty.
pub(crate) struct KeySet(Vec<Published>);

/// One key of a set.
struct Published {
    kid: Option<String>,
    algorithm: Algorithm,
    key: Arc<VerifyingKey>,
}

/// Why a document holds no keys for us.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeySetError {
    #[error("the answer is not a JSON Web Key Set")]
    Malformed(#[source] serde_json::Error),
    #[error(
        "the key set holds no public signing key for RS256 (2048 bits or more), ES256 (P-256) or \
         EdDSA (Ed25519)"
    )]
    NothingUsable,
}

#[derive(Deserialize)]
struct Document {
    // Each key is read on its own: one of a kind we do not know must not hide its neighbours.
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    #[serde(flatten)]
    material: Material,
}

/// Symmetric keys (`oct`) have no place here: whoever can read the set could sign with them.
#[derive(Deserialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "OKP")]
    Okp { crv: String, x: String },
}

impl KeySet {
    pub(crate) fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        let document: Document =
            serde_json::from_slice(document).map_err(KeySetError::Malformed)?;
        let keys: Vec<_> = document.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeySetError::NothingUsable);
        }
        Ok(Self(keys))
    }

    /// The last key with this id and algorithm.
    pub(crate) fn get(&self, kid: &str, algorithm: Algorithm) -> Option<Arc<VerifyingKey>> {
        let named = |key: &&Published| key.kid.as_deref() == Some(kid);
        self.of(algorithm).rfind(named).map(|found| Arc::clone(&found.key))
    }

    /// The key of this algorithm, if there is exactly one.
    pub(crate) fn only(&self, algorithm: Algorithm) -> Option<Arc<VerifyingKey>> {
        let mut keys = self.of(algorithm);
        let only = keys.next()?;
        keys.next().is_none().then(|| Arc::clone(&only.key))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn of(&self, algorithm: Algorithm) -> impl DoubleEndedIterator<Item = &Published> {
        self.0.iter().filter(move |key| key.algorithm == algorithm)
    }
}

fn usable(key: Value) -> Option<Published> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let signs = jwk.usage.is_none_or(|usage| usage == "sig");
    let verifies =
        jwk.key_ops.is_none_or(|operations| operations.iter().any(|one| one == "verify"));
    let (algorithm, key) = jwk.material.read()?;
    let fits = jwk.alg.is_none_or(|alg| alg == algorithm.name());
    let key = Arc::new(VerifyingKey::public(key, algorithm));
    (signs && verifies && fits).then_some(Published { kid: jwk.kid, algorithm, key })
}

impl Material {
    /// The one algorithm that a key of this type is good for, and the key.
    fn read(&self) -> Option<(Algorithm, DecodingKey)> {
        match self {
            Self::Rsa { n, e } => {
                let (modulus, exponent) = (big_endian(n)?, big_endian(e)?);
                let key = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
                MODULUS_BITS.contains(&bits(&modulus)).then_some((Algorithm::Rs256, key))
            }
            Self::Ec { crv, x, y } if crv == "P-256" && is_whole(x) && is_whole(y) => {
                Some((Algorithm::Es256, DecodingKey::from_ec_components(x, y).ok()?))
            }
            Self::Okp { crv, x } if crv == "Ed25519" && is_whole(x) => {
                Some((Algorithm::EdDsa, DecodingKey::from_ed_components(x).ok()?))
            }
            Self::Ec { .. } | Self::Okp { .. } => None,
        }
    }
}

fn is_whole(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == CURVE_BYTES)
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
        changed(good("odd"), field, value)
    }

    fn without(field: &str) -> Value {
        let mut key = good("odd");
        key.as_object_mut().unwrap().remove(field);
        key
    }

    /// From RFC 7515 A.3.
    fn ec(kid: &str) -> Value {
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "kid": kid,
        })
    }

    /// From RFC 8037 A.2.
    fn ed(kid: &str) -> Value {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid })
    }

    fn changed(mut key: Value, field: &str, value: Value) -> Value {
        key[field] = value;
        key
    }

    fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn a_key_that_cannot_be_used_is_ignored_and_its_neighbours_are_taken() {
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
            with("key_ops", json!(["encrypt"])),
            without("n"),
            without("e"),
            without("kty"),
            json!({ "kty": "oct", "kid": "odd", "alg": "HS256", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1" }),
            changed(ec("odd"), "crv", json!("P-384")),
            changed(ec("odd"), "crv", json!("secp256k1")),
            changed(ec("odd"), "crv", json!("Ed25519")),
            changed(ec("odd"), "alg", json!("ES384")),
            changed(ec("odd"), "alg", json!("RS256")),
            changed(ec("odd"), "alg", json!("HS256")),
            changed(ec("odd"), "use", json!("enc")),
            changed(ec("odd"), "kty", json!("OKP")),
            changed(ec("odd"), "y", json!(null)),
            changed(ec("odd"), "x", json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA")),
            changed(ec("odd"), "x", json!("")),
            changed(ed("odd"), "crv", json!("X25519")),
            changed(ed("odd"), "crv", json!("Ed448")),
            changed(ed("odd"), "crv", json!("P-256")),
            changed(ed("odd"), "alg", json!("ES256")),
            changed(ed("odd"), "use", json!("enc")),
            changed(ed("odd"), "kty", json!("EC")),
            changed(ed("odd"), "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcH")),
            json!("a string"),
            json!(null),
        ] {
            assert!(
                matches!(parse(std::slice::from_ref(&odd)), Err(KeySetError::NothingUsable)),
                "{odd}"
            );
            let keys = parse(&[ec("mine"), odd.clone(), good("mine"), ed("mine")]).unwrap();
            assert_eq!(keys.len(), 3, "{odd}");
            for algorithm in Algorithm::ALL {
                assert!(keys.get("mine", algorithm).is_some(), "{odd}");
                assert!(keys.get("odd", algorithm).is_none(), "{odd}");
            }
        }
    }

    #[test]
    fn use_and_alg_may_be_absent_and_must_fit_otherwise() {
        assert_eq!(parse(&[without("use")]).unwrap().len(), 1);
        assert_eq!(parse(&[without("alg")]).unwrap().len(), 1);
        for key in [
            changed(ec("a"), "alg", json!("ES256")),
            changed(ed("a"), "alg", json!("EdDSA")),
            changed(ed("a"), "use", json!("sig")),
            changed(ec("a"), "key_ops", json!(["verify"])),
        ] {
            assert_eq!(parse(&[key]).unwrap().len(), 1);
        }
    }

    #[test]
    fn a_key_is_found_by_its_id_for_its_own_algorithm_only() {
        let keys = parse(&[good("rsa"), ec("ec"), ed("ed")]).unwrap();
        for (kid, own) in
            [("rsa", Algorithm::Rs256), ("ec", Algorithm::Es256), ("ed", Algorithm::EdDsa)]
        {
            for algorithm in Algorithm::ALL {
                assert_eq!(keys.get(kid, algorithm).is_some(), algorithm == own, "{kid}");
            }
        }
    }

    #[test]
    fn a_key_without_an_id_is_found_only_as_the_only_one_of_its_algorithm() {
        let keys = parse(&[without("kid"), ec("a")]).unwrap();
        assert!(keys.only(Algorithm::Rs256).is_some());
        assert!(keys.only(Algorithm::Es256).is_some());
        assert!(keys.only(Algorithm::EdDsa).is_none());
        assert!(keys.get("", Algorithm::Rs256).is_none());

        for second in [good("b"), without("kid"), good("a")] {
            let keys = parse(&[second, ec("a"), good("a")]).unwrap();
            assert!(keys.only(Algorithm::Rs256).is_none());
            assert!(keys.get("a", Algorithm::Rs256).is_some());
        }
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
