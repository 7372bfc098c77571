use std::collections::BTreeMap;

use hookwire_event::{Data, Event, Payload, Topic};
use serde_json::value::RawValue;

use crate::envelope::PubSubMessage;
use crate::source::SourceConfig;
use crate::template::Field;
use crate::unusable::Unusable;

/// Turns a Gmail notification into an event: `{"emailAddress","historyId"}`, the history id always as a string.
///
/// Google's guide shows a string and real notifications carry a number of 64 bits, of which a browser would lose
/// digits. Only the message id tells duplicates: several notifications may carry one history id.
/// Source: <https://developers.google.com/workspace/gmail/api/guides/push>
pub(crate) fn event(source: &SourceConfig, message: PubSubMessage) -> Result<Event, Unusable> {
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&message.data)
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
    fields.insert(
        "historyId".into(),
        text.map_err(|error| Unusable::no_json("the historyId", &error))?,
    );
    let json = serde_json::to_vec(&fields)
        .map_err(|error| Unusable::no_json("the notification", &error))?;
    let payload =
        Payload::json(&json).map_err(|error| Unusable::no_json("the notification", &error))?;
    let mailbox = Topic::escape_segment(&address.to_lowercase());
    message.into_event(source, Data::from(payload), |field| match field {
        Field::EmailAddress => Some(mailbox.clone()),
        Field::Subscription | Field::OrderingKey | Field::Attribute(_) => None,
    })
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
