use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use hookwire_event::{Data, Event, Payload, Topic};
use hookwire_jwks::Jwks;
use http::{HeaderMap, HeaderName};
use serde_json::value::RawValue;

use crate::google_push::GooglePush;
use crate::source::{Notification, Proof, Source, SourceConfig, WrongFormat};
use crate::template::Field;
use crate::unproven::Unproven;
use crate::unusable::Unusable;

/// Pub/Sub messages that tell of changes in Gmail mailboxes.
#[derive(Debug)]
pub struct Gmail(pub GooglePush);

#[async_trait]
impl Source for Gmail {
    fn default_topic(&self) -> &'static str {
        "gmail/{emailAddress}"
    }

    fn fields(&self) -> &'static [&'static str] {
        &["emailAddress"]
    }

    fn proof(&self) -> Proof {
        self.0.proof()
    }

    fn keys(&self) -> Option<&Arc<Jwks>> {
        self.0.keys()
    }

    async fn verify(&self, headers: &HeaderMap, now: SystemTime) -> Result<(), Unproven> {
        self.0.verify(headers, now).await
    }

    fn takes(&self, headers: &HeaderMap) -> Result<(), WrongFormat> {
        self.0.takes(headers)
    }

    fn keeps(&self, header: &HeaderName) -> bool {
        GooglePush::keeps(header)
    }

    fn event(
        &self,
        config: &SourceConfig,
        notification: &Notification<'_>,
    ) -> Result<Event, Unusable> {
        let message = self.0.message(notification)?;
        let (payload, mailbox) = read(&message.data)?;
        message.facts("gmail.history", Data::from(payload)).into_event(
            config,
            |field| match field {
                Field::EmailAddress => Some(Topic::escape_segment(&mailbox)),
                _ => None,
            },
        )
    }
}

/// Reads `{"emailAddress","historyId"}` as what the event carries, the history id always as a string, and its mailbox.
///
/// Google's guide shows a string and real notifications carry a number of 64 bits, of which a browser would lose
/// digits. Only the message id tells duplicates: several notifications may carry one history id.
/// Source: <https://developers.google.com/workspace/gmail/api/guides/push>
fn read(data: &[u8]) -> Result<(Payload, String), Unusable> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_slice(data)
        .map_err(|error| Unusable::no_json("the Gmail notification", &error))?;
    let address =
        fields.get("emailAddress").and_then(|json| serde_json::from_str::<String>(json.get()).ok());
    let address = address.filter(|address| address.contains('@')).ok_or_else(|| {
        Unusable::because("the Gmail notification has no emailAddress that is an address")
    })?;
    let history_id = fields.get("historyId").and_then(|json| history_id(json.get()));
    let history_id = history_id.ok_or_else(|| {
        Unusable::because(
            "the Gmail notification has no historyId that is a whole number of 64 bits",
        )
    })?;
    let text = RawValue::from_string(format!("\"{history_id}\""));
    let text = text.map_err(|error| Unusable::no_json("the historyId", &error))?;
    fields.insert("historyId".into(), &text);
    let json = serde_json::to_vec(&fields)
        .map_err(|error| Unusable::no_json("the notification", &error))?;
    let payload =
        Payload::json(&json).map_err(|error| Unusable::no_json("the notification", &error))?;
    Ok((payload, address.to_lowercase()))
}

fn history_id(json: &str) -> Option<u64> {
    let digits = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_id_is_a_number_or_a_string_of_64_bits_and_never_a_float() {
        for (json, id) in [
            ("1710", Some(1_710)),
            ("\"9876543210\"", Some(9_876_543_210)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("1.5", None),
            ("1e3", None),
            ("-1", None),
            ("\"\"", None),
            ("null", None),
            ("\"+5\"", None),
        ] {
            assert_eq!(history_id(json), id, "{json}");
        }
    }
}
