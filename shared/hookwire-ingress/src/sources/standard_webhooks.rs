use std::time::SystemTime;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hookwire_event::{Event, EventTime, Payload};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::content::content;
use crate::facts::Facts;
use crate::id_from::event_id;
use crate::proof_header::{TOLERANCE, check_fresh, only};
use crate::shared_secret::{Algorithm, SharedSecret};
use crate::source::{Notification, Proof, Source, SourceConfig};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

mod key;

use key::any_ed25519_signed;
pub use key::{InvalidKey, VerifyingKey};

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// Most signatures looked at. A sender has one per key that is active, and each one of ed25519 costs a pass over the
/// body.
const MAX_SIGNATURES: usize = 16;

/// Senders that keep to Standard Webhooks; a retry has the same id and is signed anew.
///
/// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
#[derive(Debug)]
pub struct StandardWebhooks {
    secrets: Vec<SharedSecret>,
    public_keys: Vec<[u8; 32]>,
}

/// `v1,<base64> v1a,<base64>`: an HMAC for each secret and an ed25519 signature for each key pair. Others are ignored.
struct Signatures {
    v1: Vec<Vec<u8>>,
    v1a: Vec<Vec<u8>>,
}

impl StandardWebhooks {
    /// A sender with these keys; several while one takes the place of another.
    #[must_use]
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        let (mut secrets, mut public_keys) = (Vec::new(), Vec::new());
        for key in keys {
            match key {
                VerifyingKey::Secret(secret) => secrets.push(secret),
                VerifyingKey::Public(key) => public_keys.push(key),
            }
        }
        Self { secrets, public_keys }
    }
}

#[async_trait]
impl Source for StandardWebhooks {
    fn proof(&self) -> Proof {
        Proof::Body
    }

    async fn verify(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Unproven> {
        only(headers, ID)?;
        Signatures::read(headers)?;
        check_fresh(TIMESTAMP, only(headers, TIMESTAMP)?, TOLERANCE, now)
    }

    fn verify_body(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), Unproven> {
        let (id, signed_at) = (only(headers, ID)?, only(headers, TIMESTAMP)?);
        check_fresh(TIMESTAMP, signed_at, TOLERANCE, now)?;
        let Signatures { v1, v1a } = Signatures::read(headers)?;
        let signed: [&[u8]; 5] = [id.as_bytes(), b".", signed_at.as_bytes(), b".", body];
        let by_secret = SharedSecret::any_signed(&self.secrets, Algorithm::Sha256, &signed, &v1);
        if !by_secret && !any_ed25519_signed(&self.public_keys, &signed, &v1a) {
            return Err(Unproven::WrongSecret);
        }
        Ok(())
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        header == ID
    }

    fn event(
        &self,
        config: &SourceConfig,
        Notification { headers, body, received_at_ms }: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        let id = headers.get(ID).and_then(|value| value.to_str().ok());
        let id = id.ok_or_else(|| Unusable::because("the push has no webhook-id"))?;
        let data = content(headers, body);
        // The specification recommends a body with a `type` and a `timestamp`, and requires none of it.
        let recommended: Value = match &data.payload {
            Payload::Json(json) => serde_json::from_slice(json).unwrap_or_default(),
            Payload::Text(_) | Payload::Binary(_) => Value::Null,
        };
        let text = |name: &str| recommended.get(name).and_then(Value::as_str);
        let time = text("timestamp").and_then(|time| EventTime::parse(time).ok());
        let time = time.unwrap_or_else(|| EventTime::from_unix_ms(*received_at_ms));
        let event_type = text("type").unwrap_or("webhook.message");
        Facts::new(event_id(id)?, event_type, time, data).into_event(config, |_own| None)
    }
}

impl Signatures {
    fn read(headers: &HeaderMap) -> Result<Self, Unproven> {
        let malformed = |reason| Unproven::Malformed { header: SIGNATURE.into(), reason };
        let value = only(headers, SIGNATURE)?;
        if value.split(' ').count() > MAX_SIGNATURES {
            return Err(malformed("has more than 16 signatures"));
        }
        let of = |version: &str| {
            let items = value.split(' ').filter_map(|item| item.split_once(','));
            let items = items.filter(|(name, _)| *name == version);
            items.filter_map(|(_, base64)| STANDARD.decode(base64).ok()).collect::<Vec<_>>()
        };
        let signatures = Self { v1: of("v1"), v1a: of("v1a") };
        if signatures.v1.is_empty() && signatures.v1a.is_empty() {
            return Err(malformed("has neither `v1,` nor `v1a,` with base64"));
        }
        Ok(signatures)
    }
}

#[cfg(test)]
mod tests;
