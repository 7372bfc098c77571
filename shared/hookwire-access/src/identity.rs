use std::time::SystemTime;

use hookwire_event::{Tenant, Topic};
use hookwire_grant::Grant;
use hookwire_state::Holder;

use crate::Refusal;

/// Who a request comes from.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The relay has no keys and is open to this machine.
    Anybody,
    /// Somebody with a grant.
    User(Grant),
}

impl Identity {
    /// The topic of this name that the identity may follow, within its tenant.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotGranted`].
    pub fn follow(&self, topic: &Topic) -> Result<Topic, Refusal> {
        self.reach(topic, "subscribe", Grant::may_subscribe)
    }

    /// The topic of this name that the identity may publish on, within its tenant.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotGranted`].
    pub fn publish(&self, topic: &Topic) -> Result<Topic, Refusal> {
        self.reach(topic, "publish", Grant::may_publish)
    }

    fn reach(
        &self,
        topic: &Topic,
        right: &'static str,
        may: fn(&Grant, &Topic) -> bool,
    ) -> Result<Topic, Refusal> {
        match self {
            Self::Anybody => Ok(topic.clone()),
            Self::User(grant) => {
                let topic = grant.topic(topic.clone());
                match may(grant, &topic) {
                    true => Ok(topic),
                    false => Err(Refusal::NotGranted { right, topic, by: self.hash() }),
                }
            }
        }
    }

    /// The user within the tenant, as a text that names nobody else.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Anybody => within(None, ""),
            Self::User(grant) => within(grant.tenant(), grant.user()),
        }
    }

    /// Whose the cursors are that a client leaves. A user has so many clients; without keys nobody tells users apart, so
    /// that each client stands for itself.
    #[must_use]
    pub fn owner_of(&self, client: &str) -> String {
        match self {
            Self::Anybody => within(None, client),
            Self::User(_) => self.subject(),
        }
    }

    /// What stands for the user in logs.
    #[must_use]
    pub fn hash(&self) -> Option<String> {
        match self {
            Self::Anybody => None,
            Self::User(grant) => Some(grant.user_hash()),
        }
    }

    /// Whose stream it is.
    #[must_use]
    pub fn holder(&self) -> Holder {
        let (token, issued_at) = match self {
            Self::Anybody => (None, None),
            Self::User(grant) => {
                let token = grant.token_id().map(|id| within(grant.tenant(), id));
                (token, grant.issued_at())
            }
        };
        Holder { subject: self.subject(), token, issued_at }
    }

    /// From when on the proof is not good any more.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        match self {
            Self::Anybody => None,
            Self::User(grant) => Some(grant.expires_at()),
        }
    }

    /// The tenant, for metrics.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        match self {
            Self::Anybody => None,
            Self::User(grant) => grant.tenant(),
        }
    }
}

/// A name within a tenant: neither holds a zero byte, so no two pairs give one text.
pub(crate) fn within(tenant: Option<&Tenant>, name: &str) -> String {
    format!("{}\0{name}", tenant.map_or("", Tenant::as_str))
}
