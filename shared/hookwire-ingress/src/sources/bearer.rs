use std::time::SystemTime;

use async_trait::async_trait;
use hookwire_event::{Event, EventTime};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::content::content;
use crate::facts::Facts;
use crate::id_from::IdFrom;
use crate::proof_header::only;
use crate::shared_secret::SharedSecret;
use crate::source::{Notification, Proof, Source, SourceConfig};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

/// Any sender that can put a secret into `Authorization: Bearer`.
#[derive(Debug)]
pub struct Bearer {
    /// Its secrets; several while one takes the place of another.
    pub secrets: Vec<SharedSecret>,
    /// Where its ids are.
    pub id: IdFrom,
}

#[async_trait]
impl Source for Bearer {
    fn proof(&self) -> Proof {
        Proof::Headers
    }

    async fn verify(&self, headers: &HeaderMap, _now: SystemTime) -> Result<(), Unproven> {
        verify_bearer(headers, &self.secrets)
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        self.id.reads(header)
    }

    fn event(
        &self,
        config: &SourceConfig,
        notification: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        generic_event(&self.id, config, notification)
    }
}

/// Checks `Authorization: Bearer` against `secrets`.
pub(super) fn verify_bearer(headers: &HeaderMap, secrets: &[SharedSecret]) -> Result<(), Unproven> {
    let authorization = only(headers, AUTHORIZATION.as_str())?;
    let (scheme, candidate) = authorization.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        let header = AUTHORIZATION.to_string();
        return Err(Unproven::Malformed { header, reason: "must be `Bearer` and the secret" });
    }
    if !SharedSecret::any_is(secrets, candidate.trim().as_bytes()) {
        return Err(Unproven::WrongSecret);
    }
    Ok(())
}

/// The event of a sender of which nothing is known but where its ids are.
pub(super) fn generic_event(
    id: &IdFrom,
    config: &SourceConfig,
    notification: &Notification<'_>,
) -> Result<Event, Unusable> {
    let data = content(notification.headers, notification.body);
    let id = id.id(notification.headers, &data)?;
    let time = EventTime::from_unix_ms(notification.received_at_ms);
    Facts::new(id, "webhook.message", time, data).into_event(config, |_own| None)
}
