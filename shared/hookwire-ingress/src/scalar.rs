use serde_json::Value;

/// A JSON value as the text that can stand in an id or a topic. No fractions and nothing beyond 64 bits: two of
/// those that differ may be parsed as one number.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_one_spelling_is_a_scalar() {
        for (json, text) in [
            ("\"evt_1\"", Some("evt_1")),
            ("18446744073709551615", Some("18446744073709551615")),
            ("-7", Some("-7")),
            ("true", Some("true")),
            ("18446744073709551616", None),
            ("1.5", None),
            ("null", None),
            ("{}", None),
        ] {
            assert_eq!(scalar(&serde_json::from_str(json).unwrap()).as_deref(), text, "{json}");
        }
    }
}
