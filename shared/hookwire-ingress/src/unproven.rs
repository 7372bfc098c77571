use std::time::Duration;

use crate::oidc::VerifyError;

/// Why a push did not prove where it comes from. Messages tell what to change and quote nothing of the push.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// Its token is not one of Google's for this source.
    #[error(transparent)]
    Token(#[from] VerifyError),
    /// The header that would prove it is not there: 401.
    #[error("the push has no `{header}` header; configure the secret of this source at its sender")]
    Missing {
        /// Its name.
        header: String,
    },
    /// A header is there and cannot be one of the sender: 401.
    #[error("the `{header}` header {reason}")]
    Malformed {
        /// Its name.
        header: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No secret fits: 401.
    #[error(
        "no secret of this source fits the push; compare them, and let nothing change the body on its way"
    )]
    WrongSecret,
    /// It was signed at another time: 401.
    #[error(
        "the push was signed {away} s {direction} this relay's clock, and {tolerance} s are allowed: one of the clocks \
         is wrong, or somebody replays an old push", tolerance = tolerance.as_secs()
    )]
    Stale {
        /// Seconds between the signature and now.
        away: u64,
        /// `behind` or `ahead of`.
        direction: &'static str,
        /// How far it may be away.
        tolerance: Duration,
    },
}
