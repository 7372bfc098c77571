use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::shared_secret::SharedSecret;

/// A key that verifies pushes of Standard Webhooks.
#[derive(Debug, Clone)]
pub enum VerifyingKey {
    /// `whsec_` and base64: the sender has the same.
    Secret(SharedSecret),
    /// `whpk_` and base64: the sender has the private half.
    Public([u8; 32]),
}

/// Why a text is no key of Standard Webhooks. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Something else in front.
    #[error("it begins neither with `whsec_` nor with `whpk_`")]
    Prefix,
    /// Something else behind.
    #[error("what follows the prefix is no base64")]
    Base64,
    /// A secret of another length.
    #[error("the secret has {0} bytes, and 24 to 64 are allowed")]
    SecretLength(usize),
    /// A public key of another length.
    #[error("the public key has {0} bytes, and one of ed25519 has 32")]
    PublicLength(usize),
    /// `whsk_`, which belongs to the sender alone.
    #[error(
        "`whsk_` is the sender's private key; ask for the public one, which begins with `whpk_`"
    )]
    Private,
}

impl FromStr for VerifyingKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let decode = |base64: &str| STANDARD.decode(base64).map_err(|_where| InvalidKey::Base64);
        if let Some(base64) = text.strip_prefix("whsec_") {
            let secret = decode(base64)?;
            return match secret.len() {
                24..=64 => Ok(Self::Secret(SharedSecret::new(secret))),
                other => Err(InvalidKey::SecretLength(other)),
            };
        }
        if let Some(base64) = text.strip_prefix("whpk_") {
            let key = decode(base64)?;
            let length = InvalidKey::PublicLength(key.len());
            return key.try_into().map(Self::Public).map_err(|_key| length);
        }
        if text.starts_with("whsk_") {
            return Err(InvalidKey::Private);
        }
        Err(InvalidKey::Prefix)
    }
}

/// Whether the owner of one of these public keys made one of the `signatures` of all `parts` in a row.
pub(super) fn any_ed25519_signed(
    public_keys: &[[u8; 32]],
    parts: &[&[u8]],
    signatures: &[Vec<u8>],
) -> bool {
    if public_keys.is_empty() || signatures.is_empty() {
        return false;
    }
    let signed = parts.concat();
    let keys = public_keys.iter().map(|key| UnparsedPublicKey::new(&ED25519, key));
    let mut pairs = keys.flat_map(|key| signatures.iter().map(move |one| (key, one)));
    pairs.any(|(key, signature)| key.verify(&signed, signature).is_ok())
}
