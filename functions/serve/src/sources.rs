use std::collections::HashSet;
use std::sync::Arc;

use hookwire_boot::{FromSetting, Settings, Table};
use hookwire_event::{EventType, SourceUri};
use hookwire_ingress::oidc::{OidcConfig, OidcVerifier};
use hookwire_ingress::{SourceConfig, SourceKind, Template};
use hookwire_jwks::{Jwks, JwksConfig, JwksLocation};
use hookwire_settings::SOURCE_KEYS;

/// Paths that are the relay's own.
const RESERVED: [&str; 8] =
    ["/events", "/topics", "/ack", "/admin", "/console", "/healthz", "/readyz", "/metrics"];

/// Google signs a token for any audience that any of its customers asks for.
const NO_EMAIL: &str = "needs the service account of the push subscription beside it (`push_email`); without it \
                        everybody with a Google Cloud project could push";

/// Reads the sources: those in `hookwire.toml`, or `gmail` and `pubsub` when there are none.
pub(crate) fn read(settings: &Settings) -> Vec<SourceConfig> {
    let jwks: Location = settings.value("push_jwks");
    let jwks = Arc::new(Jwks::new(JwksConfig::new(jwks.0)));
    let audience: Option<String> = settings.optional("push_audience");
    let email: Option<String> = settings.optional("push_email");
    let tables = settings.tables("sources", &SOURCE_KEYS);
    if tables.is_empty() && email.is_some() && audience.is_none() {
        settings
            .mistake("push_email", "needs `push_audience` beside it; alone it verifies nothing");
    }
    if tables.is_empty() && audience.is_some() && email.is_none() {
        settings.mistake("push_audience", NO_EMAIL);
    }
    let verifier = |audience: Option<String>, email: Option<String>| {
        audience
            .map(|audience| OidcVerifier::new(OidcConfig::new(audience, email), Arc::clone(&jwks)))
    };
    if tables.is_empty() {
        let source = |name: &str, kind| {
            default_source(name, kind, verifier(audience.clone(), email.clone()))
        };
        let defaults = [source("gmail", SourceKind::Gmail), source("pubsub", SourceKind::PubSub)];
        return defaults.into_iter().flatten().collect();
    }
    let mut seen = HashSet::new();
    let mut sources = Vec::new();
    for table in &tables {
        let own =
            |name: &str, general: &Option<String>| table.optional(name).or_else(|| general.clone());
        let verified = matches!(table.value("verification"), Verification::Google);
        let (audience, email) =
            (own("audience", &audience).filter(|_| verified), own("email", &email));
        if audience.is_some() && email.is_none() {
            table.mistake("audience", NO_EMAIL);
        }
        let verifier = verifier(audience, email);
        if let Some(source) = source(table, verifier) {
            for (key, value) in [("name", &source.name), ("path", &source.path)] {
                if !seen.insert((key, value.clone())) {
                    table.mistake(key, "must not be that of another source");
                }
            }
            sources.push(source);
        }
    }
    sources
}

fn default_source(
    name: &str,
    kind: SourceKind,
    verifier: Option<OidcVerifier>,
) -> Option<SourceConfig> {
    Some(SourceConfig {
        name: name.into(),
        kind,
        path: format!("/webhooks/{name}"),
        topic: default_topic(kind).parse().ok()?,
        event_type: EventType::parse(default_type(kind)).ok()?,
        wrapped: true,
        verifier,
        uri: uri(name)?,
    })
}

fn source(table: &Table<'_>, verifier: Option<OidcVerifier>) -> Option<SourceConfig> {
    let name: Option<Name> = table.required("name");
    let kind: Option<Kind> = table.required("kind");
    let path: Option<Path> = table.optional("path");
    let topic: Option<Topic> = table.optional("topic");
    let event_type: Option<Type> = table.optional("event_type");
    let wrapped = table.value("wrapped");
    let (Name(name), Kind(kind)) = (name?, kind?);
    let topic = topic.map(|topic| topic.0).or_else(|| default_topic(kind).parse().ok())?;
    if !kind.has_fields_of(&topic, wrapped) {
        table.mistake(
            "topic",
            "must use fields that its notifications have: {emailAddress} for gmail; {subscription}, {orderingKey} \
             and, when wrapped, {attributes.NAME} for pubsub",
        );
    }
    let event_type =
        event_type.map(|one| one.0).or_else(|| EventType::parse(default_type(kind)).ok())?;
    let path = path.map_or_else(|| format!("/webhooks/{name}"), |path| path.0);
    Some(SourceConfig { kind, path, topic, event_type, wrapped, verifier, uri: uri(&name)?, name })
}

fn uri(name: &str) -> Option<SourceUri> {
    SourceUri::parse(&format!("{}{name}", SourceUri::WEBHOOKS)).ok()
}

fn default_topic(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Gmail => "gmail/{emailAddress}",
        SourceKind::PubSub => "pubsub/{subscription}",
    }
}

fn default_type(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Gmail => "gmail.history",
        SourceKind::PubSub => "pubsub.message",
    }
}

macro_rules! setting {
    ($name:ident($of:ty), $expects:literal, $parse:expr) => {
        struct $name($of);

        impl FromSetting for $name {
            const EXPECTS: &'static str = $expects;

            fn from_text(text: &str) -> Result<Self, String> {
                let parse: fn(&str) -> Result<$of, String> = $parse;
                parse(text).map(Self)
            }
        }
    };
}

setting!(Location(JwksLocation), "an https URL or the path of a file", |text| {
    text.parse().map_err(|error| format!("{error}"))
});
setting!(
    Topic(Template),
    "a topic with fields in braces, such as `gmail/{emailAddress}`",
    |text| { text.parse().map_err(|error| format!("{error}")) }
);
setting!(Type(EventType), "1 to 256 bytes that do not begin with `hookwire.`", |text| {
    match EventType::parse(text) {
        Ok(control) if control.is_control() => {
            Err("types that begin so belong to the relay".into())
        }
        parsed => parsed.map_err(|error| error.to_string()),
    }
});
setting!(Name(String), "1 to 64 letters, digits, `-` and `_`", |text| {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
    if fits { Ok(text.into()) } else { Err("it is no such name".into()) }
});
setting!(Kind(SourceKind), "`gmail` or `pubsub`", |text| match text {
    "gmail" => Ok(SourceKind::Gmail),
    "pubsub" => Ok(SourceKind::PubSub),
    _ => Err("no such kind".into()),
});
setting!(
    Path(String),
    "a path of letters, digits, `-`, `_`, `.` and `/`, such as `/webhooks/orders`",
    |text| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        if !text.starts_with('/') || text.len() < 2 || !text.bytes().all(allowed) {
            return Err("it is no such path".into());
        }
        let own =
            |reserved: &&&str| text == **reserved || text.starts_with(&format!("{reserved}/"));
        match RESERVED.iter().find(own) {
            Some(reserved) => Err(format!("`{reserved}` is the relay's own")),
            None => Ok(text.into()),
        }
    }
);

enum Verification {
    Google,
    None,
}

impl FromSetting for Verification {
    const EXPECTS: &'static str = "`google` or `none`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "google" => Ok(Self::Google),
            "none" => Ok(Self::None),
            _ => Err("no such verification".into()),
        }
    }
}
