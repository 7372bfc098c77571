use std::error::Error;

use aws_sdk_sqs::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::BatchResultErrorEntry;
use hookwire_log::BoxError;
use hookwire_queue::SendError;

/// Why a call, or one message of it, had no success, and what that says about SQS.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Fault {
    /// The breaker is open: nothing was sent.
    #[error("not asked, since the last calls failed")]
    Open,
    /// Too many sends wait: nothing was sent, and it says nothing about SQS.
    #[error("too many sends wait")]
    Busy,
    /// No answer came in time: carried out or not.
    #[error("no answer in time")]
    Unanswered,
    /// The connection failed, perhaps after the call was carried out.
    #[error("no connection: {0}")]
    NotReached(String),
    /// SQS failed, and may not the next time.
    #[error("SQS failed: {0}")]
    Failed(String),
    /// SQS takes no more for the moment.
    #[error("throttled: {0}")]
    Throttled(String),
    /// No request could be made: SQS was not asked.
    #[error("{text}; {todo}")]
    NotMade { text: String, todo: &'static str },
    /// It goes on until somebody changes the set-up.
    #[error("{text}; {todo}")]
    Denied { text: String, todo: &'static str },
    /// SQS does not take this message, or this request.
    #[error("refused: {0}")]
    Refused(String),
}

impl Fault {
    /// What the error of a whole call means.
    pub(crate) fn of<E>(error: SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        match error {
            SdkError::TimeoutError(_) => Self::Unanswered,
            SdkError::ResponseError(error) => {
                Self::Failed(chain(&SdkError::<E>::ResponseError(error)))
            }
            SdkError::DispatchFailure(failure) => {
                let is_set_up = failure.is_other() && failure.as_other().is_none();
                let text = chain(&SdkError::<E>::DispatchFailure(failure));
                match is_set_up {
                    true => Self::NotMade {
                        text,
                        todo: "give the process a role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                    },
                    false => Self::NotReached(text),
                }
            }
            SdkError::ServiceError(error) => {
                let status = error.raw().status().as_u16();
                let (code, message) = (error.err().code(), error.err().message());
                Self::of_code(status, code.unwrap_or_default(), message.unwrap_or_default())
            }
            other => Self::NotMade {
                text: chain(&other),
                todo: "check AWS_REGION and the URL of the queue",
            },
        }
    }

    /// What it means that one message of a batch was not taken.
    pub(crate) fn of_entry(entry: &BatchResultErrorEntry) -> Self {
        let status = if entry.sender_fault() { 400 } else { 500 };
        Self::of_code(status, entry.code(), entry.message().unwrap_or_default())
    }

    /// Codes come with and without a prefix such as `AWS.SimpleQueueService.`, and with and without `Exception`.
    fn of_code(status: u16, code: &str, message: &str) -> Self {
        let code = code.rsplit('.').next().unwrap_or_default();
        let word = code.trim_end_matches("Exception");
        let text = match (code, message) {
            ("", "") => format!("status {status}"),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        let denied = |todo| Self::Denied { text: text.clone(), todo };
        match word {
            "NonExistentQueue" | "QueueDoesNotExist" => {
                denied("the queue does not exist, or not in this account and region; check its URL")
            }
            "Throttling"
            | "Throttled"
            | "RequestThrottled"
            | "KmsThrottled"
            | "TooManyRequests"
            | "RequestLimitExceeded"
            | "OverLimit" => Self::Throttled(text),
            "InvalidClientTokenId"
            | "UnrecognizedClient"
            | "SignatureDoesNotMatch"
            | "InvalidSignature"
            | "IncompleteSignature"
            | "ExpiredToken"
            | "RequestExpired"
            | "MissingAuthenticationToken"
            | "InvalidSecurity" => denied("check the credentials of the process and its clock"),
            word if word.starts_with("Kms") => denied("check the key of the queue and its policy"),
            "AccessDenied" => denied(
                "allow the role of the process to use the queue, in its policy and the queue's",
            ),
            _ if status == 403 => denied("allow the role of the process to use the queue"),
            _ if status == 429 => Self::Throttled(text),
            _ if status >= 500 => Self::Failed(text),
            _ => Self::Refused(text),
        }
    }

    /// Whether the next call is likely to fail too, and costs time.
    pub(crate) fn is_down(&self) -> bool {
        matches!(self, Self::Unanswered | Self::NotReached(_) | Self::Failed(_))
    }

    /// Whether SQS was asked at all.
    pub(crate) fn is_asked(&self) -> bool {
        !matches!(self, Self::Open | Self::Busy | Self::NotMade { .. })
    }

    /// Whether it stays until somebody changes something.
    pub(crate) fn is_lasting(&self) -> bool {
        matches!(self, Self::NotMade { .. } | Self::Denied { .. })
    }

    /// The word for metrics and logs.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "breaker_open",
            Self::Busy => "busy",
            Self::Unanswered => "unanswered",
            Self::NotReached(_) => "not_reached",
            Self::Failed(_) => "failed",
            Self::Throttled(_) => "throttled",
            Self::NotMade { .. } => "not_made",
            Self::Denied { .. } => "denied",
            Self::Refused(_) => "refused",
        }
    }
}

/// An error with its causes. Not the library's own rendering, which shows whole responses.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let cause = error.to_string();
        if causes.last() != Some(&cause) {
            causes.push(cause);
        }
        next = error.source();
    }
    causes.join(": ")
}

/// A field of a request is missing.
impl From<BuildError> for Fault {
    fn from(error: BuildError) -> Self {
        Self::Refused(chain(&error))
    }
}

impl From<Fault> for SendError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(_) => Self::Refused(BoxError::from(fault)),
            _ => Self::Unavailable(BoxError::from(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_by_what_can_be_done() {
        for (status, code, word, down, lasting) in [
            (400, "AWS.SimpleQueueService.NonExistentQueue", "denied", false, true),
            (400, "QueueDoesNotExist", "denied", false, true),
            (403, "AccessDenied", "denied", false, true),
            (400, "AccessDeniedException", "denied", false, true),
            (403, "SomethingNew", "denied", false, true),
            (400, "KmsDisabled", "denied", false, true),
            (400, "KmsThrottled", "throttled", false, false),
            (403, "RequestThrottled", "throttled", false, false),
            (400, "ThrottlingException", "throttled", false, false),
            (429, "", "throttled", false, false),
            (503, "ServiceUnavailable", "failed", true, false),
            (500, "", "failed", true, false),
            (400, "InvalidMessageContents", "refused", false, false),
        ] {
            let fault = Fault::of_code(status, code, "");
            let told = (fault.as_str(), fault.is_down(), fault.is_lasting());
            assert_eq!(told, (word, down, lasting), "{status} {code}");
        }
    }
}
