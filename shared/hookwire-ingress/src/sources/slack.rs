use std::borrow::Cow;
use std::time::SystemTime;

use async_trait::async_trait;
use hookwire_event::{Event, EventTime};
use hookwire_http::{is_json, media_type};
use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::content::{content, json};
use crate::facts::Facts;
use crate::id_from::event_id;
use crate::proof_header::{TOLERANCE, check_fresh, only};
use crate::shared_secret::{Algorithm, SharedSecret};
use crate::source::{Notification, Proof, Source, SourceConfig};
use crate::unproven::Unproven;
use crate::unusable::Unusable;

const TIMESTAMP: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";

/// The Events API of Slack, its slash commands and its interactive parts.
///
/// Source: <https://docs.slack.dev/authentication/verifying-requests-from-slack>
#[derive(Debug)]
pub struct Slack {
    /// Signing secrets of the app; several while one takes the place of another.
    pub secrets: Vec<SharedSecret>,
}

/// What Slack sends as JSON, around its event.
#[derive(Default, Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    challenge: Option<String>,
    event_id: Option<String>,
    /// Seconds since the Unix epoch.
    event_time: Option<u64>,
    event: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(rename = "type")]
    kind: String,
}

#[async_trait]
impl Source for Slack {
    fn proof(&self) -> Proof {
        Proof::Body
    }

    async fn verify(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Unproven> {
        signature(headers)?;
        check_fresh(TIMESTAMP, only(headers, TIMESTAMP)?, TOLERANCE, now)
    }

    fn verify_body(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<(), Unproven> {
        let (signature, signed_at) = (signature(headers)?, only(headers, TIMESTAMP)?);
        check_fresh(TIMESTAMP, signed_at, TOLERANCE, now)?;
        let signed: [&[u8]; 4] = [b"v0:", signed_at.as_bytes(), b":", body];
        if !SharedSecret::any_signed(&self.secrets, Algorithm::Sha256, &signed, &[signature]) {
            return Err(Unproven::WrongSecret);
        }
        Ok(())
    }

    /// Slack asks once, when the URL is entered, and wants its word back.
    fn challenge(&self, Notification { headers, body, .. }: &Notification<'_>) -> Option<String> {
        let envelope: Envelope = envelope(headers, body)?.ok()?;
        envelope.challenge.filter(|_| envelope.kind == "url_verification")
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        header == TIMESTAMP
    }

    fn event(
        &self,
        config: &SourceConfig,
        Notification { headers, body, received_at_ms }: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        let envelope = match envelope(headers, body) {
            Some(json) => json?,
            None => Envelope { kind: form_kind(body)?, ..Envelope::default() },
        };
        let id = envelope.event_id.unwrap_or_else(|| request_id(headers, body));
        let kind = envelope.event.map_or(envelope.kind, |event| event.kind);
        let time =
            envelope.event_time.map_or(*received_at_ms, |seconds| seconds.saturating_mul(1_000));
        let time = EventTime::from_unix_ms(time);
        let facts =
            Facts::new(event_id(&id)?, format!("slack.{kind}"), time, content(headers, body));
        facts.into_event(config, |_own| None)
    }
}

/// `None` for a form.
fn envelope(headers: &HeaderMap, body: &[u8]) -> Option<Result<Envelope, Unusable>> {
    is_json(&media_type(headers)).then(|| json("Slack's request", body))
}

/// What a form is: a slash command, or the type of the JSON in its `payload`.
fn form_kind(body: &[u8]) -> Result<String, Unusable> {
    let field = |name: &str| -> Option<Cow<'_, str>> {
        form_urlencoded::parse(body).find(|(field, _)| field == name).map(|(_, value)| value)
    };
    if let Some(payload) = field("payload") {
        return json("Slack's payload", payload.as_bytes()).map(|inner: Inner| inner.kind);
    }
    let command = field("command").map(|_command| "command".to_owned());
    command.ok_or_else(|| Unusable::because("Slack's form has neither a command nor a payload"))
}

/// Stands for the id that slash commands and interactive parts do not have: the hash of what was signed. The same
/// request twice is one event; a retry is signed at another time, so it is an event of its own.
fn request_id(headers: &HeaderMap, body: &[u8]) -> String {
    let signed_at = headers.get(TIMESTAMP).map(|value| value.as_bytes()).unwrap_or_default();
    hex::encode(
        Sha256::new().chain_update(signed_at).chain_update(":").chain_update(body).finalize(),
    )
}

fn signature(headers: &HeaderMap) -> Result<Vec<u8>, Unproven> {
    let malformed = || Unproven::Malformed {
        header: SIGNATURE.into(),
        reason: "must be `v0=` and hexadecimal digits",
    };
    let digits = only(headers, SIGNATURE)?.strip_prefix("v0=").ok_or_else(malformed)?;
    hex::decode(digits).map_err(|_where| malformed())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    /// Source: <https://docs.slack.dev/authentication/verifying-requests-from-slack>
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&\
        channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&\
        command=%2Fwebhook-collect&text=&\
        response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
        trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const AT: u64 = 1_531_420_618;
    const V0: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn verify(signature: &str, body: &str, now: u64) -> Result<(), Unproven> {
        let secrets = ["older", "8f742231b10e8888abcd99yyyzzz85a5"];
        let secrets = secrets.map(|secret| SharedSecret::new(secret.as_bytes())).into();
        let mut headers = HeaderMap::new();
        headers.insert(TIMESTAMP, AT.to_string().parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        let now = UNIX_EPOCH + Duration::from_secs(now);
        Slack { secrets }.verify_body(&headers, body.as_bytes(), now)
    }

    #[test]
    fn slacks_documented_request_is_accepted_for_five_minutes() {
        verify(V0, BODY, AT).unwrap();
        verify(V0, BODY, AT + 300).unwrap();
        assert!(matches!(verify(V0, BODY, AT + 301), Err(Unproven::Stale { .. })));
        assert!(matches!(verify(V0, BODY, AT - 301), Err(Unproven::Stale { .. })));
        for signature in
            [&V0.replace("v0=", "v1="), V0.get(3..).unwrap(), "v0=", V0.get(..65).unwrap()]
        {
            assert!(verify(signature, BODY, AT).is_err(), "{signature}");
        }
        assert!(matches!(verify(V0, "token=x", AT), Err(Unproven::WrongSecret)));
    }

    #[test]
    fn a_form_is_a_command_or_what_its_payload_is() {
        assert_eq!(form_kind(BODY.as_bytes()).unwrap(), "command");
        let payload = b"payload=%7B%22type%22%3A%22block_actions%22%7D";
        assert_eq!(form_kind(payload).unwrap(), "block_actions");
        for body in ["", "payload=", "payload=%7B%7D", "text=x", "\u{0}"] {
            assert!(form_kind(body.as_bytes()).is_err(), "{body}");
        }
    }
}
