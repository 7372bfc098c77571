use serde_json::value::RawValue;

/// One CloudEvents extension attribute: its name, and its value as JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    name: Box<str>,
    json: Box<str>,
}

/// Why an attribute is no extension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExtension {
    /// CloudEvents allows lower-case letters and digits, up to 20 of them.
    #[error("an extension's name is 1 to 20 lower-case letters and digits")]
    Name,
    /// The name has a meaning of its own in CloudEvents.
    #[error("the name belongs to CloudEvents itself")]
    Reserved,
    /// Objects and arrays are no attribute values.
    #[error("an extension's value is a string, a number or a boolean")]
    Value,
}

impl Extension {
    const RESERVED: [&'static str; 9] = [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "data",
        "partitionkey",
    ];

    /// An extension with a text as its value.
    ///
    /// # Errors
    ///
    /// [`InvalidExtension`] when the name is none.
    pub fn text(name: &str, value: &str) -> Result<Self, InvalidExtension> {
        let json = serde_json::to_string(value).map_err(|_never| InvalidExtension::Value)?;
        Self::checked(name, json.into())
    }

    /// An extension with a JSON string, number or boolean as its value.
    ///
    /// # Errors
    ///
    /// [`InvalidExtension`] when the name or the value is none.
    pub fn json(name: &str, value: &RawValue) -> Result<Self, InvalidExtension> {
        let text = value.get();
        if text.starts_with(['{', '[', 'n']) {
            return Err(InvalidExtension::Value);
        }
        Self::checked(name, text.into())
    }

    /// Rebuilds what [`Extension::name`] and [`Extension::as_json`] gave.
    pub(crate) fn stored(name: &str, json: &str) -> Self {
        Self { name: name.into(), json: json.into() }
    }

    fn checked(name: &str, json: Box<str>) -> Result<Self, InvalidExtension> {
        let well_formed = (1..=20).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !well_formed {
            return Err(InvalidExtension::Name);
        }
        if Self::RESERVED.contains(&name) {
            return Err(InvalidExtension::Reserved);
        }
        Ok(Self { name: name.into(), json })
    }

    /// The attribute's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attribute's value as JSON text on one line.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_simple_values_under_free_names_are_extensions() {
        assert_eq!(Extension::text("traceparent", "00-\"x\"").unwrap().as_json(), r#""00-\"x\"""#);
        for name in ["", "Upper", "with-dash", "id", "specversion", "aaaaaaaaaaaaaaaaaaaaa"] {
            assert!(Extension::text(name, "x").is_err(), "{name}");
        }
        for (json, ok) in [
            ("1", true),
            ("true", true),
            ("\"x\"", true),
            ("{}", false),
            ("[1]", false),
            ("null", false),
        ] {
            let value = serde_json::from_str::<&RawValue>(json).unwrap();
            assert_eq!(Extension::json("a", value).is_ok(), ok, "{json}");
        }
    }
}
