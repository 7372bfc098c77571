use std::sync::Arc;
use std::time::SystemTime;

use hookwire_http::{is_json, media_type};
use hookwire_jwks::Jwks;
use http::{HeaderMap, HeaderName};

use crate::envelope::PubSubMessage;
use crate::oidc::OidcVerifier;
use crate::source::{Notification, Proof, WrongFormat};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

/// How Google Pub/Sub pushes, whatever the messages mean.
#[derive(Debug, Clone)]
pub struct GooglePush {
    /// Whether Pub/Sub wraps the message into JSON, or sends the bare data with its metadata in headers.
    pub wrapped: bool,
    /// Verifies its tokens; without it anyone who reaches the relay can push.
    pub verifier: Option<OidcVerifier>,
}

impl GooglePush {
    pub(crate) fn proof(&self) -> Proof {
        if self.verifier.is_some() { Proof::Headers } else { Proof::Nothing }
    }

    pub(crate) fn keys(&self) -> Option<&Arc<Jwks>> {
        self.verifier.as_ref().map(OidcVerifier::keys)
    }

    pub(crate) async fn verify(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<(), Unproven> {
        if let Some(verifier) = &self.verifier {
            verifier.verify(headers, now).await?;
        }
        Ok(())
    }

    pub(crate) fn takes(&self, headers: &HeaderMap) -> Result<(), WrongFormat> {
        if self.wrapped && !is_json(&media_type(headers)) {
            return Err(WrongFormat::NoJson);
        }
        Ok(())
    }

    pub(crate) fn keeps(header: &HeaderName) -> bool {
        header.as_str().starts_with("x-goog-pubsub-")
    }

    pub(crate) fn message(
        &self,
        notification: &Notification<'_>,
    ) -> Result<PubSubMessage, Unusable> {
        PubSubMessage::read(self.wrapped, notification)
    }
}
