use async_trait::async_trait;

use crate::Unavailable;

/// Whose tokens are revoked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Revoke {
    /// Every token that the subject got up to that moment.
    Subject(String),
    /// The token with this id, `jti`, within a tenant: as `TENANT\0ID`, with an empty tenant for none.
    Token(String),
}

impl std::fmt::Debug for Revoke {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Subject(_) => "Subject(…)",
            Self::Token(_) => "Token(…)",
        })
    }
}

/// One revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Whose tokens.
    pub of: Revoke,
    /// Up to when they were issued, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// How far the revocations were read; opaque, and empty at the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark(pub String);

/// Keeps what was revoked, for at least as long as any token may live.
#[async_trait]
pub trait Revocations: std::fmt::Debug + Send + Sync + 'static {
    /// Adds a revocation, which [`Revocations::after`] then tells on every instance.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: it may have been added or not; adding it again is harmless.
    async fn revoke(&self, revocation: &Revocation) -> Result<(), Unavailable>;

    /// What was added after `mark`, oldest first and at most some thousand, and the mark behind it. An empty page means
    /// that there is no more for now.
    ///
    /// # Errors
    ///
    /// [`Unavailable`].
    async fn after(&self, mark: &Mark) -> Result<(Vec<Revocation>, Mark), Unavailable>;
}
