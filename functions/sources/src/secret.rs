use hookwire_boot::{FromSetting, Secret, Table};
use hookwire_ingress::SharedSecret;
use hookwire_ingress::sources::VerifyingKey;

/// The secrets of a source, from its table and from the variables that it names; a source without one is a mistake.
pub(crate) fn secrets<T: FromSetting>(table: &Table<'_>) -> Vec<T> {
    if !table.is_set("secret") && !table.is_set("secret_env") {
        table.mistake(
            "secret",
            "must be set, or `secret_env` to the name of a variable that holds it",
        );
    }
    let mut secrets = table.several("secret");
    secrets.extend(table.several_in_variables("secret_env", "secret"));
    secrets
}

/// A secret that signs.
pub(crate) struct Signing(Secret);

/// A secret that stands in a header as it is.
pub(crate) struct Shown(Secret);

/// A key of Standard Webhooks.
pub(crate) struct Standard(pub(crate) VerifyingKey);

impl FromSetting for Signing {
    const EXPECTS: &'static str = "a text without white space around it";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.trim() == text && !text.is_empty() {
            true => Ok(Self(Secret::new(text))),
            false => Err(String::new()),
        }
    }
}

impl FromSetting for Shown {
    const EXPECTS: &'static str = "a text of visible ASCII characters";

    fn from_text(text: &str) -> Result<Self, String> {
        match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(Secret::new(text))),
            false => Err(String::new()),
        }
    }
}

impl FromSetting for Standard {
    const EXPECTS: &'static str =
        "`whsec_` and a secret of 24 to 64 bytes in base64, or `whpk_` and a public key of ed25519";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| format!("{error}"))
    }
}

impl From<Signing> for SharedSecret {
    fn from(Signing(secret): Signing) -> Self {
        Self::new(secret.expose().as_bytes())
    }
}

impl From<Shown> for SharedSecret {
    fn from(Shown(secret): Shown) -> Self {
        Self::new(secret.expose().as_bytes())
    }
}
