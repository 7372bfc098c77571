use hookwire_tests::{now_s, sign, sign_rs256};
use serde_json::json;

use super::super::forged::{self, forged};
use super::{OWN, TENANT, USER};

/// What is tried as a proof.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Proof {
    Absent,
    BadSignature,
    AlgNone,
    /// HS256, with the public key of the configured set as the secret.
    PublicKeyAsSecret(&'static str),
    Expired,
    NotYetValid,
    WrongAudience,
    WrongIssuer,
    NoExpiry,
    /// Good, signed with the secret.
    Right,
    /// Good, signed with a key of the set.
    RightKey,
    /// Good, of an administrator, who thereby may follow nothing.
    Admin,
}

/// All of them.
pub(super) fn proofs() -> Vec<Proof> {
    let forged = forged::SPELLINGS.into_iter().map(Proof::PublicKeyAsSecret);
    let others = [
        Proof::Absent,
        Proof::BadSignature,
        Proof::AlgNone,
        Proof::Expired,
        Proof::NotYetValid,
        Proof::WrongAudience,
        Proof::WrongIssuer,
        Proof::NoExpiry,
        Proof::Right,
        Proof::RightKey,
        Proof::Admin,
    ];
    others.into_iter().chain(forged).collect()
}

impl Proof {
    /// The token that stands for it.
    pub(super) fn token(self) -> Option<String> {
        let topics = json!([OWN, "own/**"]);
        let mut claims = json!({
            "sub": USER, "tenant": TENANT, "iat": now_s(), "exp": now_s() + 3_600, "jti": "1",
            "aud": "hookwire", "iss": "https://login.example",
            "hookwire": { "subscribe": topics, "publish": topics },
        });
        match self {
            Self::Expired => claims["exp"] = json!(now_s() - 3_600),
            Self::NotYetValid => claims["nbf"] = json!(now_s() + 3_600),
            Self::WrongAudience => claims["aud"] = json!("somebody else"),
            Self::WrongIssuer => claims["iss"] = json!("https://login.example.evil"),
            Self::NoExpiry => drop(claims.as_object_mut().unwrap().remove("exp")),
            Self::Admin => claims["hookwire"] = json!({ "admin": true }),
            _ => (),
        }
        Some(match self {
            Self::Absent => return None,
            Self::BadSignature => forged::resigned(&sign(&claims)),
            Self::AlgNone => forged::unsigned(&claims),
            Self::PublicKeyAsSecret(spelling) => forged(spelling, &claims),
            Self::RightKey => sign_rs256("a", None, &claims),
            _ => sign(&claims),
        })
    }

    /// How it is refused wherever it is brought to, and a word that has to be in what is told to do about it.
    pub(super) fn refused(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Absent => Some(("no-token", "Bearer")),
            Self::BadSignature | Self::PublicKeyAsSecret(_) => Some(("bad-token", "signature")),
            Self::AlgNone => Some(("bad-token", "not a signed JWT")),
            Self::Expired => Some(("expired-token", "get a new one")),
            Self::NotYetValid => Some(("token-not-yet-valid", "compare the clocks")),
            Self::WrongAudience => Some(("bad-token", "aud")),
            Self::WrongIssuer => Some(("bad-token", "iss")),
            Self::NoExpiry => Some(("bad-token", "exp")),
            Self::Right | Self::RightKey | Self::Admin => None,
        }
    }
}
