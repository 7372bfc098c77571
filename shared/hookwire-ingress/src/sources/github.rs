use std::time::SystemTime;

use async_trait::async_trait;
use hookwire_event::{Event, EventTime, Payload, Topic};
use http::{HeaderMap, HeaderName};
use serde::Deserialize;

use crate::content::content;
use crate::facts::Facts;
use crate::id_from::event_id;
use crate::proof_header::only;
use crate::shared_secret::{Algorithm, SharedSecret};
use crate::source::{Notification, Proof, Source, SourceConfig};
use crate::template::Field;
use crate::unproven::Unproven;
use crate::unusable::Unusable;

/// The older `X-Hub-Signature` with SHA-1 comes along and is never looked at.
const SIGNATURE: &str = "x-hub-signature-256";
const DELIVERY: &str = "x-github-delivery";
const EVENT: &str = "x-github-event";

/// Webhooks of GitHub; a `ping` is an event like any other.
///
/// GitHub does not send again by itself. A delivery that is sent again by hand keeps its id.
/// Source: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
#[derive(Debug)]
pub struct GitHub {
    /// Its secrets; several while one takes the place of another.
    pub secrets: Vec<SharedSecret>,
}

/// What topics are made of. What happens to an organization or an app has no repository.
#[derive(Default, Deserialize)]
struct Delivery {
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[async_trait]
impl Source for GitHub {
    fn default_topic(&self) -> &'static str {
        "github/{repository}"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["repository"]
    }

    fn proof(&self) -> Proof {
        Proof::Body
    }

    async fn verify(&self, headers: &HeaderMap, _now: SystemTime) -> Result<(), Unproven> {
        signature(headers).map(|_signature| ())
    }

    fn verify_body(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        _now: SystemTime,
    ) -> Result<(), Unproven> {
        let signature = signature(headers)?;
        if !SharedSecret::any_signed(&self.secrets, Algorithm::Sha256, &[body], &[signature]) {
            return Err(Unproven::WrongSecret);
        }
        Ok(())
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        [DELIVERY, EVENT].contains(&header.as_str())
    }

    fn event(
        &self,
        config: &SourceConfig,
        Notification { headers, body, received_at_ms }: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or_else(|| Unusable::because(format!("the delivery has no {name} header")))
        };
        let (id, name) = (event_id(header(DELIVERY)?)?, header(EVENT)?);
        let data = content(headers, body);
        let delivery: Delivery = match &data.payload {
            Payload::Json(json) => serde_json::from_slice(json).unwrap_or_default(),
            Payload::Text(_) | Payload::Binary(_) => Delivery::default(),
        };
        let repository = delivery.repository.map_or(config.name.clone(), |one| one.full_name);
        let time = EventTime::from_unix_ms(*received_at_ms);
        let facts = Facts::new(id, format!("github.{name}"), time, data);
        facts.into_event(config, |field| match field {
            Field::Repository => Some(Topic::escape_path(&repository)),
            _ => None,
        })
    }
}

fn signature(headers: &HeaderMap) -> Result<Vec<u8>, Unproven> {
    let malformed = || Unproven::Malformed {
        header: SIGNATURE.into(),
        reason: "must be `sha256=` and hexadecimal digits",
    };
    let digits = only(headers, SIGNATURE)?.strip_prefix("sha256=").ok_or_else(malformed)?;
    hex::decode(digits).map_err(|_where| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation>
    #[test]
    fn githubs_documented_signature_is_accepted_and_no_other() {
        let secrets = ["older", "It's a Secret to Everybody"];
        let secrets = secrets.map(|secret| SharedSecret::new(secret.as_bytes())).into();
        let github = GitHub { secrets };
        let documented = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let mut headers = HeaderMap::new();
        let mut verify = |signature: &str, body: &str| {
            headers.insert(SIGNATURE, signature.parse().unwrap());
            github.verify_body(&headers, body.as_bytes(), SystemTime::UNIX_EPOCH)
        };
        verify(&format!("sha256={documented}"), "Hello, World!").unwrap();
        let wrong = [
            (format!("sha256={documented}"), "Hello, World?"),
            (format!("sha256={documented}"), "Hello, World!\n"),
            (format!("sha1={documented}"), "Hello, World!"),
            (documented.into(), "Hello, World!"),
            ("sha256=".into(), "Hello, World!"),
            (format!("sha256={}", documented.get(..62).unwrap()), "Hello, World!"),
            (format!("sha256={}", documented.replace('7', "8")), "Hello, World!"),
        ];
        for (signature, body) in wrong {
            assert!(verify(&signature, body).is_err(), "{signature} {body}");
        }
    }

    #[tokio::test]
    async fn a_delivery_with_sha_1_only_is_refused_before_its_body_is_read() {
        let github = GitHub { secrets: vec![SharedSecret::new(*b"x")] };
        let mut headers = HeaderMap::new();
        headers.insert("x-hub-signature", "sha1=00".parse().unwrap());
        let refused = github.verify(&headers, SystemTime::UNIX_EPOCH).await;
        assert!(matches!(refused, Err(Unproven::Missing { .. })));
    }
}
