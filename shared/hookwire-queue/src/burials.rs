use std::sync::atomic::{AtomicU64, Ordering};

use hookwire_log::BoxError;
use hookwire_telemetry::SharedStretch;

/// Tells of messages that were buried. A release that cannot read what the last one wrote would fill the log otherwise.
#[derive(Debug, Default)]
pub struct Burials {
    buried: AtomicU64,
    told: SharedStretch,
    failed: SharedStretch,
}

impl Burials {
    /// So many more are dead letters, one of them for this reason.
    pub(crate) fn buried(&self, messages: usize, reason: &str) {
        let buried = self.buried.fetch_add(messages as u64, Ordering::Relaxed) + messages as u64;
        if self.told.again().is_some() {
            tracing::error!(
                incident = "dead-letters",
                buried,
                reason,
                "messages that cannot get into the log are now dead letters; see `hookwire redrive --list`"
            );
        }
    }

    /// So many could not be buried.
    pub(crate) fn failed(&self, messages: usize, error: &BoxError) {
        if self.failed.again().is_some() {
            tracing::warn!(
                messages,
                error,
                "could not bury what is hopeless; it stays in the queue"
            );
        }
    }
}
