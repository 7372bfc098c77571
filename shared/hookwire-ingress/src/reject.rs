use std::time::Duration;

use axum::response::{IntoResponse, Response};
use hookwire_http::Problem;
use hookwire_state::OverLimit;
use http::StatusCode;

use crate::oidc::VerifyError;
use crate::source::WrongFormat;
use crate::unproven::Unproven;

/// Every way in which a push is refused; the sender keeps it and comes again.
#[derive(Debug)]
pub(crate) enum Reject {
    /// It did not prove where it comes from.
    Unverified(Unproven),
    /// There are too many of them.
    OverLimit(OverLimit),
    /// Too many pushes are being worked on.
    Busy,
    /// Its source does not send bodies of this type.
    Format(WrongFormat),
    /// Its body could not be read.
    Body(Problem),
    /// Nothing durable took it.
    NotStored,
    /// Nothing durable took it in time; it may still be in the log, and coming again is then a duplicate.
    TooLate,
}

impl Reject {
    /// The word for metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Unverified(Unproven::Token(VerifyError::Stranger { .. })) => "forbidden",
            Self::Unverified(Unproven::Token(VerifyError::KeysUnavailable(_))) => {
                "keys_unavailable"
            }
            Self::Unverified(_) => "unauthorized",
            Self::OverLimit(_) => "rate_limited",
            Self::Busy => "busy",
            Self::Format(_) | Self::Body(_) => "bad_request",
            Self::NotStored | Self::TooLate => "unavailable",
        }
    }

    /// Whether the relay itself is to blame, and not who pushed.
    pub(crate) fn is_of_relay(&self) -> bool {
        matches!(self, Self::Unverified(Unproven::Token(VerifyError::KeysUnavailable(_))))
    }

    fn problem(self) -> Problem {
        let soon = Duration::from_secs(1);
        match self {
            Self::Unverified(error) => unverified(&error),
            Self::OverLimit(over) => over.into(),
            Self::Busy => {
                let detail = "too many pushes are being worked on";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(soon)
            }
            Self::Format(wrong) => {
                let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                Problem::new(status, "content-type", wrong.to_string())
            }
            Self::Body(problem) => problem,
            Self::NotStored => {
                let detail = "nothing durable took the event; push it again";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log-unavailable", detail)
                    .retry_after(soon)
            }
            Self::TooLate => {
                let detail = "nothing durable answered in time; push it again, which is safe";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "log-unavailable", detail)
                    .retry_after(soon)
            }
        }
    }
}

fn unverified(error: &Unproven) -> Problem {
    let detail = error.to_string();
    match error {
        Unproven::Token(VerifyError::Stranger { .. }) => {
            Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
        }
        Unproven::Token(VerifyError::KeysUnavailable(_)) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "keys-unavailable", detail)
                .retry_after(Duration::from_secs(5))
        }
        Unproven::Token(VerifyError::MissingToken | VerifyError::BadToken { .. })
        | Unproven::Missing { .. }
        | Unproven::Malformed { .. }
        | Unproven::WrongSecret
        | Unproven::Stale { .. } => {
            // HTTP wants a challenge with every 401, and signatures have no scheme of their own.
            Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).challenge("Bearer")
        }
    }
}

impl IntoResponse for Reject {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}
