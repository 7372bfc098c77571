use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use hookwire_event::{Tenant, Topic};
use sha2::{Digest as _, Sha256};

use crate::TopicPattern;

/// What the bearer of a verified token may do. Cheap to clone; `Debug` shows the user hashed.
#[derive(Clone)]
pub struct Grant {
    pub(crate) user: Arc<str>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) token_id: Option<Arc<str>>,
    pub(crate) issued_at: Option<SystemTime>,
    pub(crate) expires_at: SystemTime,
    pub(crate) subscribe: Arc<[TopicPattern]>,
    pub(crate) publish: Arc<[TopicPattern]>,
    pub(crate) admin: bool,
}

impl Grant {
    /// Who it is, `sub`. Not for logs. Two tenants may each have a user of this name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Eight hexadecimal digits that stand for tenant and user in logs.
    #[must_use]
    pub fn user_hash(&self) -> String {
        let tenant = self.tenant.as_ref().map_or("", Tenant::as_str);
        // No tenant holds the separator, so that it ends where it ends.
        let digest = Sha256::digest(format!("{tenant}*{}", self.user));
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whose topics it is about, `tenant`.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// The token's own name, `jti`.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// When the token was made, `iat`.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.issued_at
    }

    /// The moment from which the token is refused: `exp` and the leeway.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// Whether the administration of the relay is open to it. It grants no topic.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// The topic of this name as the grant's tenant has it.
    #[must_use]
    pub fn topic(&self, name: Topic) -> Topic {
        match &self.tenant {
            Some(tenant) => name.within(tenant),
            None => name,
        }
    }

    /// Which topics may be read.
    #[must_use]
    pub fn subscribe(&self) -> &[TopicPattern] {
        &self.subscribe
    }

    /// Whether events of a topic, as [`Grant::topic`] gave it, may be read.
    #[must_use]
    pub fn may_subscribe(&self, topic: &Topic) -> bool {
        self.covers(&self.subscribe, topic)
    }

    /// Whether events may be published to a topic, as [`Grant::topic`] gave it.
    #[must_use]
    pub fn may_publish(&self, topic: &Topic) -> bool {
        self.covers(&self.publish, topic)
    }

    fn covers(&self, patterns: &[TopicPattern], topic: &Topic) -> bool {
        // Patterns see names alone. A topic that came from elsewhere, such as a cursor, may have
        // the right name in another tenant.
        let own = match &self.tenant {
            Some(tenant) => *topic == topic.within(tenant),
            None => topic.as_str() == topic.name(),
        };
        own && patterns.iter().any(|pattern| pattern.matches(topic.name(), &self.user))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({})", self.user_hash())
    }
}
