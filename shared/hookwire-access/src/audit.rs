use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

use hookwire_event::Topic;
use hookwire_http::ClientNet;
use hookwire_state::{Limit, Quota};
use tracing::info;

use crate::{Identity, Refusal};

/// One line for each refusal and each administrative act: what, why, by whom, on what; whoever and whatever is hashed.
///
/// A subject or client that is refused over and over has a few lines a minute; what is left out is counted.
#[derive(Debug)]
pub struct Audit {
    lines: Limit,
    /// Who attacks from everywhere must not decide how long the log is.
    lines_in_all: Limit,
    /// An address has so few bits that a plain hash would tell it.
    clients: RandomState,
}

impl Default for Audit {
    fn default() -> Self {
        let lines = Quota::per_minute(Self::LINES_PER_MINUTE);
        let in_all = Quota::per_minute(Self::LINES_IN_ALL_PER_MINUTE);
        Self {
            lines: Limit::new("audit", lines, None),
            lines_in_all: Limit::new("audit_in_all", in_all, None),
            clients: RandomState::new(),
        }
    }
}

impl Audit {
    const LINES_PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();
    const LINES_IN_ALL_PER_MINUTE: NonZeroU32 = NonZeroU32::new(120).unwrap();

    /// Tells of a refusal.
    pub async fn refused(
        &self,
        refusal: &Refusal,
        who: Option<&Identity>,
        client: Option<ClientNet>,
    ) {
        let reason = refusal.kind();
        metrics::counter!("hookwire_refusals_total", "reason" => reason).increment(1);
        let (topic, by) = match refusal {
            Refusal::NotGranted { topic, by, .. } => (Some(topic.hash()), by.clone()),
            _ => (None, who.and_then(Identity::hash)),
        };
        let client = client.map(|client| self.hash(client));
        let key = by.clone().or_else(|| client.clone()).unwrap_or_default();
        if self.lines.take(&key).await.is_err() || self.lines_in_all.take("").await.is_err() {
            metrics::counter!("hookwire_audit_suppressed_total").increment(1);
            return;
        }
        info!(
            target: "hookwire::audit",
            action = "refuse",
            reason,
            subject.hash = by.as_deref(),
            client.hash = client.as_deref(),
            topic.hash = topic.as_deref(),
            "refused a request"
        );
    }

    /// Tells of an administrative act.
    pub fn acted(&self, action: &'static str, by: &Identity, on: Option<&Topic>) {
        info!(
            target: "hookwire::audit",
            action = action,
            subject.hash = by.hash().as_deref(),
            topic.hash = on.map(Topic::hash).as_deref(),
            "carried out an administrative act"
        );
    }

    fn hash(&self, client: ClientNet) -> String {
        format!("{:016x}", self.clients.hash_one(client))
    }
}
