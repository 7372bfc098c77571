use std::time::SystemTime;

use async_trait::async_trait;
use hookwire_event::Event;
use hookwire_http::media_type;
use http::{HeaderMap, HeaderName};

use super::bearer::verify_bearer;
use crate::shared_secret::SharedSecret;
use crate::source::{Notification, Proof, Source, SourceConfig, WrongFormat};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

mod attributes;
mod binary;
mod structured;

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch";

/// Senders of CloudEvents over HTTP, one event in a request. What tells duplicates is an event's own source and id.
///
/// Source: <https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md>
#[derive(Debug)]
pub struct CloudEvents {
    /// What its senders put into `Authorization: Bearer`; `None` lets anyone push who reaches the relay.
    pub secrets: Option<Vec<SharedSecret>>,
}

#[async_trait]
impl Source for CloudEvents {
    fn proof(&self) -> Proof {
        if self.secrets.is_some() { Proof::Headers } else { Proof::Nothing }
    }

    async fn verify(&self, headers: &HeaderMap, _now: SystemTime) -> Result<(), Unproven> {
        match &self.secrets {
            Some(secrets) => verify_bearer(headers, secrets),
            None => Ok(()),
        }
    }

    fn takes(&self, headers: &HeaderMap) -> Result<(), WrongFormat> {
        let media_type = media_type(headers);
        if media_type.starts_with(BATCH) {
            return Err(WrongFormat::Batch);
        }
        let other_format =
            media_type != STRUCTURED && media_type.starts_with("application/cloudevents");
        let is_event = media_type == STRUCTURED || headers.contains_key("ce-specversion");
        if other_format || !is_event {
            return Err(WrongFormat::NoCloudEvent);
        }
        Ok(())
    }

    fn has_handshake(&self) -> bool {
        true
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        header.as_str().starts_with("ce-")
    }

    fn event(
        &self,
        config: &SourceConfig,
        notification: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        let facts = match &*media_type(notification.headers) {
            STRUCTURED => structured::read(notification)?,
            _ => binary::read(notification)?,
        };
        facts.into_event(config, |_own| None)
    }
}
