use hookwire_jwks::KeysUnavailable;

/// Why a token gives no grant. Messages tell the developer what to change and never quote the token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The request brings none: 401. The verifier itself never says so.
    #[error("the request carries no token; send a JWT as Authorization: Bearer")]
    Missing,
    /// It proves nothing, or what it claims cannot be read: 401.
    #[error("{reason}")]
    Bad {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It was good once: 401. A new one helps.
    #[error("the token is expired (exp); get a new one, and if it is new, compare the clocks")]
    Expired,
    /// It will be good: 401.
    #[error("the token is not valid yet (nbf or iat is in the future); compare the clocks")]
    NotYetValid,
    /// Nobody can be verified for now: 503.
    #[error("the token cannot be verified now; try again later")]
    KeysUnavailable(#[from] KeysUnavailable),
}

impl TokenError {
    /// The stable word for it in metrics and answers.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing-token",
            Self::Bad { .. } => "bad-token",
            Self::Expired => "expired-token",
            Self::NotYetValid => "token-not-yet-valid",
            Self::KeysUnavailable(_) => "keys-unavailable",
        }
    }
}

pub(crate) fn bad(reason: &'static str) -> TokenError {
    TokenError::Bad { reason }
}
