use std::fmt;

use jsonwebtoken::DecodingKey;

use crate::{Algorithm, Jws};

/// A key together with the one algorithm it is used with.
pub struct VerifyingKey {
    key: DecodingKey,
    algorithm: jsonwebtoken::Algorithm,
}

impl VerifyingKey {
    /// A shared secret, for HS256. A key set never makes one.
    #[must_use]
    pub fn hs256(secret: &[u8]) -> Self {
        Self { key: DecodingKey::from_secret(secret), algorithm: jsonwebtoken::Algorithm::HS256 }
    }

    pub(crate) fn public(key: DecodingKey, algorithm: Algorithm) -> Self {
        let algorithm = match algorithm {
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        };
        Self { key, algorithm }
    }

    /// Tells whether this key signed the token, in constant time where the key is secret.
    ///
    /// The algorithm is the key's, never the token's: else a forger picks one that takes the public
    /// key as a password.
    #[must_use]
    pub fn verifies(&self, jws: &Jws<'_>) -> bool {
        let signed = jws.signed().as_bytes();
        let verified =
            jsonwebtoken::crypto::verify(jws.signature(), signed, &self.key, self.algorithm);
        verified.unwrap_or(false)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({:?}, …)", self.algorithm)
    }
}
