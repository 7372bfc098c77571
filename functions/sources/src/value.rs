use hookwire_boot::FromSetting;
use hookwire_event::{EventType, Tenant};
use hookwire_ingress::sources::Encoding;
use hookwire_ingress::{Algorithm, Template};
use hookwire_jwks::JwksLocation;
use http::HeaderName;

/// Paths that are the relay's own.
const RESERVED: [&str; 9] = [
    "/events", "/topics", "/ack", "/tickets", "/admin", "/console", "/healthz", "/readyz",
    "/metrics",
];

macro_rules! setting {
    ($name:ident($of:ty), $expects:literal, $parse:expr) => {
        pub(crate) struct $name(pub(crate) $of);

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
setting!(TenantName(Tenant), "1 to 64 letters, digits, `-`, `_` and `.`", |text| {
    Tenant::parse(text).map_err(|_rule| "it is no such name".into())
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
setting!(Header(HeaderName), "the name of a header", |text| {
    text.parse().map_err(|_detail| "it is no such name".into())
});
setting!(Hash(Algorithm), "`sha256` or `sha512`", |text| match text {
    "sha256" => Ok(Algorithm::Sha256),
    "sha512" => Ok(Algorithm::Sha512),
    "sha1" => Err("SHA-1 is broken; nearly every sender that has it signs with SHA-256 too".into()),
    _ => Err("no such hash".into()),
});
setting!(Written(Encoding), "`hex` or `base64`", |text| match text {
    "hex" => Ok(Encoding::Hex),
    "base64" => Ok(Encoding::Base64),
    _ => Err("no such encoding".into()),
});
setting!(Pointer(String), "a JSON pointer, such as `/event/id`", |text| {
    let steps = text.split('~').skip(1);
    let escaped = steps.into_iter().all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && escaped { Ok(text.into()) } else { Err("it is none".into()) }
});

/// What a source that can do without proof is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    Google,
    Bearer,
    None,
}

impl FromSetting for Verification {
    const EXPECTS: &'static str = "`google`, `bearer` or `none`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "google" => Ok(Self::Google),
            "bearer" => Ok(Self::Bearer),
            "none" => Ok(Self::None),
            _ => Err("no such verification".into()),
        }
    }
}
