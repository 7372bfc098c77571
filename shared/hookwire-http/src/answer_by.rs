use tokio::time::Instant;

/// When the answer to a request has to have ended, its body included; in the extensions of requests that a platform ends
/// by itself.
#[derive(Debug, Clone, Copy)]
pub struct AnswerBy(pub Instant);
