use std::fmt;
use std::time::Duration;

/// Where spans go.
#[derive(Clone)]
pub struct OtlpConfig {
    /// The whole address, such as `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: String,
    /// Sent with every request; their values are secrets.
    pub headers: Vec<(String, String)>,
    /// How long the collector may take.
    pub timeout: Duration,
    /// Who sends them: attributes of the process.
    pub resource: Vec<(String, String)>,
}

impl fmt::Debug for OtlpConfig {
    // Not derived: headers hold tokens, and an address may.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpConfig").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
