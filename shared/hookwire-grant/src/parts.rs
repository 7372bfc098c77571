use std::fmt;
use std::time::SystemTime;

use hookwire_event::Tenant;

use crate::{Grant, TopicPattern};

/// What a grant is made of, for who keeps one in another form than a JWT, such as in a ticket. Whoever makes a grant of it
/// has to have verified it.
#[derive(Clone)]
pub struct GrantParts {
    /// Who it is.
    pub user: String,
    /// Whose topics it is about.
    pub tenant: Option<Tenant>,
    /// The name of the token that it came from.
    pub token_id: Option<String>,
    /// When that was made.
    pub issued_at: Option<SystemTime>,
    /// The moment from which it is refused.
    pub expires_at: SystemTime,
    /// Which topics may be read.
    pub subscribe: Vec<TopicPattern>,
    /// Which topics may be published to.
    pub publish: Vec<TopicPattern>,
    /// Whether the administration is open to it.
    pub admin: bool,
}

impl From<GrantParts> for Grant {
    fn from(parts: GrantParts) -> Self {
        Self {
            user: parts.user.into(),
            tenant: parts.tenant,
            token_id: parts.token_id.map(Into::into),
            issued_at: parts.issued_at,
            expires_at: parts.expires_at,
            subscribe: parts.subscribe.into(),
            publish: parts.publish.into(),
            admin: parts.admin,
        }
    }
}

impl fmt::Debug for GrantParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantParts").finish_non_exhaustive()
    }
}
