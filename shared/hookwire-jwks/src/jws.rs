use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::Value;

/// A signed token taken apart. Nothing in it is trusted until
/// [`VerifyingKey::verifies`](crate::VerifyingKey::verifies) has said yes.
///
/// Keys that the token itself carries or points to (`jwk`, `jku`, `x5c`, `x5u`) are not even read.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc7515#section-7.1>
pub struct Jws<'a> {
    header: Header,
    claims: &'a str,
    signed: &'a str,
    signature: &'a str,
}

/// Why a text is no token that could be verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", self.reason())]
pub enum InvalidJws {
    /// Longer than [`Jws::MAX_BYTES`].
    TooLarge,
    /// Not three parts, or they hold something else, or nothing as in a token without signature.
    Malformed,
    /// It has `crit`.
    Critical,
}

impl InvalidJws {
    /// What is wrong, without a word of the token.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "the token is larger than 8 KiB",
            Self::Malformed => {
                "the token is not a signed JWT: three base64url parts with JSON in the first two"
            }
            Self::Critical => {
                "the token's header asks for an extension (crit), and none is supported"
            }
        }
    }
}

/// Other fields are ignored.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    typ: Option<Value>,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

impl<'a> Jws<'a> {
    /// Real tokens take about 1 KiB.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// Takes a token apart.
    ///
    /// # Errors
    ///
    /// [`InvalidJws`] says what is wrong with it.
    pub fn parse(token: &'a str) -> Result<Self, InvalidJws> {
        if token.len() > Self::MAX_BYTES {
            return Err(InvalidJws::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidJws::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(InvalidJws::Malformed)?;
        let header: Header = json_object(header).ok_or(InvalidJws::Malformed)?;
        if header.crit {
            return Err(InvalidJws::Critical);
        }
        let unsigned = |signature: Vec<u8>| signature.is_empty();
        if URL_SAFE_NO_PAD.decode(signature).map_or(true, unsigned) {
            return Err(InvalidJws::Malformed);
        }
        Ok(Self { header, claims, signed, signature })
    }

    /// What the token says it is signed with: a reason to look for a key of that algorithm.
    #[must_use]
    pub fn alg(&self) -> &str {
        &self.header.alg
    }

    /// The key it says it is signed with.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// What it says it is, of whatever type that field has.
    #[must_use]
    pub fn typ(&self) -> Option<&Value> {
        self.header.typ.as_ref()
    }

    /// Reads what the token claims, verified or not.
    ///
    /// # Errors
    ///
    /// [`InvalidJws::Malformed`]: it is no JSON object, or not one that `T` takes.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, InvalidJws> {
        json_object(self.claims).ok_or(InvalidJws::Malformed)
    }

    pub(crate) fn signed(&self) -> &str {
        self.signed
    }

    pub(crate) fn signature(&self) -> &str {
        self.signature
    }
}

impl fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").finish_non_exhaustive()
    }
}

fn json_object<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    // A struct would be read from an array as well, field by field.
    json.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(&json).ok())?
}

/// `null` counts as well, which an `Option` alone would not see.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(field).map(Some)
}

fn is_present<'de, D: Deserializer<'de>>(field: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(field).map(|_| true)
}
