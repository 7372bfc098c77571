use std::time::SystemTime;

use async_trait::async_trait;
use hookwire_event::{Event, EventTime};
use http::{HeaderMap, HeaderName};
use serde::Deserialize;

use crate::content::{content, json};
use crate::facts::Facts;
use crate::id_from::event_id;
use crate::proof_header::{TOLERANCE, check_fresh, only};
use crate::shared_secret::{Algorithm, SharedSecret};
use crate::source::{Notification, Proof, Source, SourceConfig};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

const SIGNATURE: &str = "stripe-signature";

/// Events of Stripe, and of whoever signs as Stripe does.
///
/// A retry is signed anew and has the same id in its body.
/// Source: <https://docs.stripe.com/webhooks#verify-manually>
#[derive(Debug)]
pub struct Stripe {
    /// Its secrets, `whsec_` included; several while one takes the place of another.
    pub secrets: Vec<SharedSecret>,
}

#[derive(Deserialize)]
struct StripeEvent {
    id: String,
    #[serde(rename = "type")]
    event_type: String,
    /// Seconds since the Unix epoch.
    created: Option<u64>,
}

/// `t=1492774577,v1=5257a8…,v0=6ffbb5…`: v0 is of test events and proves nothing.
struct Signatures<'h> {
    signed_at: &'h str,
    v1: Vec<Vec<u8>>,
}

#[async_trait]
impl Source for Stripe {
    fn proof(&self) -> Proof {
        Proof::Body
    }

    async fn verify(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Unproven> {
        Signatures::read(headers, now).map(|_signatures| ())
    }

    fn verify_body(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), Unproven> {
        let Signatures { signed_at, v1 } = Signatures::read(headers, now)?;
        let signed: [&[u8]; 3] = [signed_at.as_bytes(), b".", body];
        if !SharedSecret::any_signed(&self.secrets, Algorithm::Sha256, &signed, &v1) {
            return Err(Unproven::WrongSecret);
        }
        Ok(())
    }

    fn keeps(&self, _header: &HeaderName) -> bool {
        false
    }

    fn event(
        &self,
        config: &SourceConfig,
        Notification { headers, body, received_at_ms }: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        let event: StripeEvent = json("the Stripe event", body)?;
        let time = event.created.map_or(*received_at_ms, |created| created.saturating_mul(1_000));
        let event_type = format!("stripe.{}", event.event_type);
        let time = EventTime::from_unix_ms(time);
        let facts = Facts::new(event_id(&event.id)?, event_type, time, content(headers, body));
        facts.into_event(config, |_own| None)
    }
}

impl<'h> Signatures<'h> {
    fn read(headers: &'h HeaderMap, now: SystemTime) -> Result<Self, Unproven> {
        let malformed = |reason| Unproven::Malformed { header: SIGNATURE.into(), reason };
        let value = only(headers, SIGNATURE)?;
        let of = |scheme: &str| {
            let items = value.split(',').filter_map(|item| item.trim().split_once('='));
            let items = items.filter(|(name, _)| *name == scheme).map(|(_, value)| value);
            items.collect::<Vec<_>>()
        };
        // Of two times nobody could say which one was signed.
        let [signed_at] = of("t")[..] else { return Err(malformed("must have one `t=`")) };
        let v1: Vec<Vec<u8>> =
            of("v1").into_iter().filter_map(|digits| hex::decode(digits).ok()).collect();
        if v1.is_empty() {
            return Err(malformed("has no `v1=` with hexadecimal digits"));
        }
        check_fresh(SIGNATURE, signed_at, TOLERANCE, now)?;
        Ok(Self { signed_at, v1 })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const BODY: &str = r#"{"id":"evt_1","type":"charge.succeeded"}"#;
    const AT: u64 = 1_492_774_577;
    /// `stripe.webhooks.generateTestHeaderString` of the package `stripe` makes this of `BODY` at `AT` with
    /// `whsec_test_secret`.
    const V1: &str = "4ee5e8d695c9619e003fd480d3d51700d924e29697337d379a6ef6e06e703ab4";

    fn verify(signature: &str, at: u64) -> Result<(), Unproven> {
        let secrets = ["whsec_new", "whsec_test_secret"];
        let secrets = secrets.map(|secret| SharedSecret::new(secret.as_bytes())).into();
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, signature.parse().unwrap());
        let now = UNIX_EPOCH + Duration::from_secs(at);
        Stripe { secrets }.verify_body(&headers, BODY.as_bytes(), now)
    }

    #[test]
    fn any_v1_fits_for_five_minutes() {
        let wrong = "00".repeat(32);
        for signature in [
            format!("t={AT},v1={V1}"),
            format!("t={AT},v1={wrong},v1={V1},v0={wrong}"),
            format!("v2=x,v1={V1},t={AT}"),
        ] {
            verify(&signature, AT).unwrap();
            verify(&signature, AT + 300).unwrap();
            assert!(matches!(verify(&signature, AT + 301), Err(Unproven::Stale { .. })));
            assert!(matches!(verify(&signature, AT - 301), Err(Unproven::Stale { .. })));
        }
    }

    #[test]
    fn a_v0_a_second_time_or_none_at_all_is_refused() {
        for signature in [
            format!("t={AT},v0={V1}"),
            format!("v1={V1}"),
            format!("t={AT}"),
            format!("t={AT},t={AT},v1={V1}"),
            format!("t={AT},t=1,v1={V1}"),
            format!("t={AT},v1={}", V1.get(..62).unwrap()),
            format!("t={},v1={V1}", AT + 1),
            format!("t={AT},v1="),
            "nonsense".into(),
        ] {
            assert!(verify(&signature, AT).is_err(), "{signature}");
        }
    }
}
