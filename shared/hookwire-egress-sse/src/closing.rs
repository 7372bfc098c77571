use std::time::Duration;

use hookwire_state::Ended;

/// Why the relay ends a stream that could go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// It has lasted as long as a stream may.
    Lifetime,
    /// It had no event for as long as a stream lingers.
    Idle,
    /// The process stops.
    Shutdown,
    /// Newer streams of the same user have taken its place.
    Evicted,
    /// The token that it was opened with has ended.
    Expired,
    /// The token that it was opened with was revoked.
    Revoked,
    /// Whether it may be served cannot be told now.
    Unavailable,
}

impl Closing {
    /// Over how long clients are spread that have to go to another process.
    const SPREAD: Duration = Duration::from_secs(5);

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lifetime => "lifetime",
            Self::Idle => "idle",
            Self::Shutdown => "shutdown",
            Self::Evicted => "evicted",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Unavailable => "unavailable",
        }
    }

    /// When the client is to come back, in milliseconds: spread, or all would come at once.
    pub(crate) fn retry_ms(self, retry: Duration) -> u64 {
        match self {
            Self::Lifetime | Self::Idle | Self::Evicted | Self::Expired | Self::Revoked => {
                jittered_ms(retry)
            }
            Self::Shutdown | Self::Unavailable => {
                jittered_ms(retry) + fastrand::u64(..=millis(Self::SPREAD))
            }
        }
    }
}

impl From<Ended> for Closing {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Evicted => Self::Evicted,
            Ended::Revoked => Self::Revoked,
        }
    }
}

/// A pause of half to one and a half times `pause`, in milliseconds and at least 1.
pub(crate) fn jittered_ms(pause: Duration) -> u64 {
    let pause_ms = millis(pause);
    (pause_ms / 2 + fastrand::u64(..=pause_ms)).max(1)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}
