use std::str::FromStr;

use crate::FetchError;

/// A secret, and which part of it is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) secret: Secret,
    /// Without it the whole secret.
    pub(crate) json_key: Option<String>,
}

/// One secret of one service.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Secret {
    pub(crate) service: Service,
    /// Its name or ARN.
    pub(crate) id: String,
}

/// Who keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    SecretsManager,
    Ssm,
}

impl FromStr for Reference {
    type Err = FetchError;

    fn from_str(text: &str) -> Result<Self, FetchError> {
        let (prefix, rest) = text.split_once(':').ok_or(FetchError::NoReference)?;
        let (id, json_key) = match rest.split_once('#') {
            Some((id, key)) => (id, Some(key)),
            None => (rest, None),
        };
        let service = match prefix {
            "secretsmanager" => Service::SecretsManager,
            // No parameter has a `#` in its name.
            "ssm" if json_key.is_none() => Service::Ssm,
            _ => return Err(FetchError::NoReference),
        };
        if id.is_empty() || json_key.is_some_and(str::is_empty) {
            return Err(FetchError::NoReference);
        }
        let secret = Secret { service, id: id.to_owned() };
        Ok(Self { secret, json_key: json_key.map(str::to_owned) })
    }
}

impl Secret {
    /// The region in its ARN; a name has none.
    pub(crate) fn region(&self) -> Option<&str> {
        let mut parts = self.id.split(':');
        let is_arn = parts.next() == Some("arn");
        // After the partition and the service.
        parts.nth(2).filter(|region| is_arn && !region.is_empty())
    }
}

impl Service {
    /// As endpoints and signatures name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Ssm => "ssm",
        }
    }

    /// What the role must allow.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager:GetSecretValue",
            Self::Ssm => "ssm:GetParameter",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_service_an_id_and_maybe_a_key() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:relay/jwt-AbCdEf";
        for (text, service, id, key, region) in [
            ("secretsmanager:jwt", Service::SecretsManager, "jwt", None, None),
            ("secretsmanager:a/b#c#d", Service::SecretsManager, "a/b", Some("c#d"), None),
            (
                &format!("secretsmanager:{arn}#c"),
                Service::SecretsManager,
                arn,
                Some("c"),
                Some("eu-west-1"),
            ),
            ("ssm:/relay/jwt:3", Service::Ssm, "/relay/jwt:3", None, None),
            (
                "ssm:arn:aws-cn:ssm:cn-north-1:1:parameter/a",
                Service::Ssm,
                "arn:aws-cn:ssm:cn-north-1:1:parameter/a",
                None,
                Some("cn-north-1"),
            ),
            ("secretsmanager:arn:aws", Service::SecretsManager, "arn:aws", None, None),
        ] {
            let reference: Reference = text.parse().unwrap();
            let secret = Secret { service, id: id.to_owned() };
            assert_eq!(reference.secret.region(), region, "{text}");
            assert_eq!(reference, Reference { secret, json_key: key.map(str::to_owned) }, "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_told_so() {
        for text in ["", "jwt", "vault:jwt", "secretsmanager:", "secretsmanager:#a", "ssm:a#b"] {
            let refused = text.parse::<Reference>();
            assert!(matches!(refused, Err(FetchError::NoReference)), "{text}: {refused:?}");
        }
        assert!("secretsmanager:a#".parse::<Reference>().is_err());
    }
}
