use std::fmt;

use hookwire_jwks::VerifyingKey;
use jsonwebtoken::EncodingKey;

/// A secret that is shared with whoever makes tokens, for HS256. `Debug` does not show it.
#[derive(Clone)]
pub struct HmacSecret(Box<[u8]>);

/// Why a text is no secret to sign with. Messages never quote it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSecret {
    /// A shorter one can be guessed from a single token.
    #[error(
        "the secret has {size_bytes} bytes and needs at least {}; make one with: \
         openssl rand -base64 48",
        HmacSecret::MIN_BYTES
    )]
    TooShort {
        /// Length of what was given.
        size_bytes: usize,
    },
    /// Everybody knows a public key, so everybody could sign with it.
    #[error("the secret is a key in PEM or OpenSSH format; a public key belongs into a JWKS")]
    PublicKey,
}

impl HmacSecret {
    /// As many as the hash of HS256 has.
    ///
    /// Source: <https://www.rfc-editor.org/rfc/rfc7518#section-3.2>
    pub const MIN_BYTES: usize = 32;

    /// Takes a secret as it is, without decoding it.
    ///
    /// # Errors
    ///
    /// [`InvalidSecret`] says why it protects nothing.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, InvalidSecret> {
        let secret = secret.into();
        let text = secret.trim_ascii_start();
        if [&b"-----BEGIN "[..], b"ssh-", b"ecdsa-sha2-"].iter().any(|key| text.starts_with(key)) {
            return Err(InvalidSecret::PublicKey);
        }
        if secret.len() < Self::MIN_BYTES {
            return Err(InvalidSecret::TooShort { size_bytes: secret.len() });
        }
        Ok(Self(secret.into()))
    }

    pub(crate) fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey::hs256(&self.0)
    }

    pub(crate) fn signing_key(&self) -> EncodingKey {
        EncodingKey::from_secret(&self.0)
    }
}

impl fmt::Debug for HmacSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
