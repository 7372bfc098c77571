use std::fmt;

use hmac::digest::{InvalidLength, KeyInit};
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

/// What only a sender and the relay know. `Debug` does not show it.
#[derive(Clone)]
pub struct SharedSecret(Box<[u8]>);

/// The hash inside an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl SharedSecret {
    /// Hides `secret` from now on.
    #[must_use]
    pub fn new(secret: impl Into<Box<[u8]>>) -> Self {
        Self(secret.into())
    }

    /// Whether one of `secrets` is `candidate`; the time it takes does not tell how much of it is right.
    pub(crate) fn any_is(secrets: &[Self], candidate: &[u8]) -> bool {
        let matches = secrets.iter().map(|secret| secret.0.ct_eq(candidate));
        matches.fold(Choice::from(0), |any, one| any | one).into()
    }

    /// Whether one of `secrets` made one of the `signatures` of all `parts` in a row.
    pub(crate) fn any_signed(
        secrets: &[Self],
        algorithm: Algorithm,
        parts: &[&[u8]],
        signatures: &[Vec<u8>],
    ) -> bool {
        secrets.iter().any(|secret| match algorithm {
            Algorithm::Sha256 => secret.signed::<Hmac<Sha256>>(parts, signatures),
            Algorithm::Sha512 => secret.signed::<Hmac<Sha512>>(parts, signatures),
        })
    }

    /// The body goes through the hash once, however many signatures a stranger sends.
    fn signed<M: Mac + KeyInit + Clone>(&self, parts: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
        let mac: Result<M, InvalidLength> = <M as Mac>::new_from_slice(&self.0);
        mac.is_ok_and(|mut mac| {
            parts.iter().for_each(|part| mac.update(part));
            // In constant time, and only the whole of each.
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        })
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_and_any_of_several_fits() {
        let secrets = [SharedSecret::new(*b"hunter2"), SharedSecret::new(*b"hunter3")];
        assert_eq!(format!("{secrets:?}"), "[…, …]");
        assert!(SharedSecret::any_is(&secrets, b"hunter3"));
        for wrong in [&b""[..], b"hunter", b"hunter4", b"hunter22"] {
            assert!(!SharedSecret::any_is(&secrets, wrong));
        }
    }

    #[test]
    fn a_signature_counts_only_whole() {
        // Source: <https://datatracker.ietf.org/doc/html/rfc4231#section-4.3>
        let jefe = [SharedSecret::new(*b"Jefe")];
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let mac = hex::decode(sha256).unwrap();
        let signed = |algorithm, mac: &[u8]| {
            SharedSecret::any_signed(&jefe, algorithm, &parts, &[mac.into()])
        };
        assert!(signed(Algorithm::Sha256, &mac));
        for length in [0, 1, 16, 31] {
            assert!(!signed(Algorithm::Sha256, &mac[..length]));
        }
        assert!(!signed(Algorithm::Sha512, &mac));
    }
}
