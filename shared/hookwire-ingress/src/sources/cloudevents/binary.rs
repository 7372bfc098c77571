use hookwire_event::{Data, Extension, Payload};
use percent_encoding::percent_decode_str;

use super::attributes::{Attributes, extension};
use crate::content::content;
use crate::facts::Facts;
use crate::source::Notification;
use crate::unusable::Unusable;

/// Reads binary mode: the attributes in headers that begin with `ce-`, the data as the body.
pub(super) fn read(
    Notification { headers, body, received_at_ms }: &Notification<'_>,
) -> Result<Facts, Unusable> {
    let mut attributes = Attributes::default();
    for (header, value) in *headers {
        let Some(name) = header.as_str().strip_prefix("ce-") else { continue };
        let twice = || Unusable::because("the CloudEvent has an attribute twice");
        if headers.get_all(header).iter().count() > 1 {
            return Err(twice());
        }
        let value = decode(std::str::from_utf8(value.as_bytes()).map_err(|_where| no_text())?)?;
        let of = match name {
            "specversion" => &mut attributes.specversion,
            "id" => &mut attributes.id,
            "source" => &mut attributes.source,
            "type" => &mut attributes.event_type,
            "subject" => &mut attributes.subject,
            "time" => &mut attributes.time,
            "partitionkey" => &mut attributes.partitionkey,
            _ => {
                let parsed = extension(name, Extension::text(name, &value))?;
                attributes.extensions.push(parsed);
                continue;
            }
        };
        *of = Some(value);
    }
    let data = match body.is_empty() {
        true => Data::from(Payload::Json("null".into())),
        false => content(headers, body),
    };
    attributes.facts(data, *received_at_ms)
}

/// Undoes the quotes of HTTP, then one round of percent-encoding.
///
/// What is then no UTF-8, overlong forms among it, is refused: two spellings of one id would be two events. Some
/// libraries encode nothing, so bare UTF-8 is taken too.
/// Source: <https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md#3132-http-header-values>
fn decode(value: &str) -> Result<String, Unusable> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let bare = quoted.map_or_else(|| value.to_owned(), unescape);
    let decoded = percent_decode_str(&bare).decode_utf8().map_err(|_where| no_text())?;
    Ok(decoded.into_owned())
}

/// Takes the backslash off every pair with one.
fn unescape(quoted: &str) -> String {
    let mut characters = quoted.chars();
    std::iter::from_fn(|| match characters.next()? {
        '\\' => characters.next(),
        other => Some(other),
    })
    .collect()
}

fn no_text() -> Unusable {
    Unusable::because("an attribute of the CloudEvent is no UTF-8 in percent-encoding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_decoded_once_and_must_be_utf_8() {
        for (value, text) in [
            ("plain", Some("plain")),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀")),
            ("%e2%82%ac", Some("€")),
            ("100%", Some("100%")),
            ("%2541", Some("%41")),
            (r#""a \"b\" \\ %41""#, Some(r#"a "b" \ A"#)),
            // Overlong spellings of `/`, half a pair of surrogates, and a cut character.
            ("%C0%AF", None),
            ("%E0%80%AF", None),
            ("%ED%A0%80", None),
            ("%E2%82", None),
            ("%FF", None),
        ] {
            assert_eq!(decode(value).ok().as_deref(), text, "{value}");
        }
    }
}
