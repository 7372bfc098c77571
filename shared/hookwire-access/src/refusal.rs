use std::time::Duration;

use hookwire_event::Topic;
use hookwire_grant::TokenError;
use hookwire_http::Problem;
use hookwire_state::OverLimit;
use http::StatusCode;

/// Why a request is not served, and what a developer has to change.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It proves nothing: 401.
    #[error(
        "send a JWT as Authorization: Bearer; an EventSource, which sends no headers, brings a cookie or a ticket from \
         POST /tickets"
    )]
    Missing,
    /// Its token is not good: 401, or 503 when the keys cannot be had.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Its token was revoked: 401.
    #[error("the token was revoked; log in again for a new one")]
    Revoked,
    /// Its ticket is not good, and no cookie came with it: 401.
    #[error("{0}")]
    Ticket(&'static str),
    /// A page brings a cookie that may not: 403.
    #[error(
        "a page that uses the relay's cookie has to be of an origin in HOOKWIRE_CORS_ORIGINS; for a change it has to say \
         so in Origin, as browsers do"
    )]
    ForeignOrigin,
    /// The grant does not cover the topic: 403.
    #[error("the token's hookwire.{right} does not cover a topic that was asked for")]
    NotGranted {
        /// The list of the claim that lacks it.
        right: &'static str,
        /// The topic, for the audit.
        topic: Topic,
        /// Who asked, for the audit.
        by: Option<String>,
    },
    /// The grant is not an administrator's: 403.
    #[error("this needs a token with \"admin\": true in its hookwire claim{0}")]
    NotAdmin(&'static str),
    /// Too many requests: 429.
    #[error("too many requests")]
    TooOften(OverLimit),
    /// What the instances share does not answer: 503.
    #[error("whether this may be served cannot be told now; try again")]
    Unavailable,
}

impl Refusal {
    /// The stable word for problems, metrics and the audit.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "no-token",
            Self::Token(error) => error.kind(),
            Self::Revoked => "token-revoked",
            Self::Ticket(_) => "bad-ticket",
            Self::ForeignOrigin => "foreign-origin",
            Self::NotGranted { .. } => "not-granted",
            Self::NotAdmin(_) => "not-admin",
            Self::TooOften(_) => "rate-limited",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the same request may succeed later: a browser must not be told to give up then.
    #[must_use]
    pub fn is_cured_by_time(&self) -> bool {
        matches!(self.status(), StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
    }

    /// Whether the request did not prove what it had to, which counts against its client.
    pub(crate) fn is_failed_proof(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Token(TokenError::KeysUnavailable(_)) | Self::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Missing | Self::Token(_) | Self::Revoked | Self::Ticket(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::ForeignOrigin | Self::NotGranted { .. } | Self::NotAdmin(_) => {
                StatusCode::FORBIDDEN
            }
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = refusal.status();
        let problem = Self::new(status, refusal.kind(), refusal.to_string());
        match (refusal, status) {
            (Refusal::TooOften(over), _) => over.into(),
            (_, StatusCode::UNAUTHORIZED) => problem.challenge("Bearer"),
            (_, StatusCode::SERVICE_UNAVAILABLE) => problem.retry_after(Duration::from_secs(5)),
            _ => problem,
        }
    }
}
