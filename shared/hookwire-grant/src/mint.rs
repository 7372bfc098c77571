use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use hookwire_event::Tenant;
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;

use crate::{HmacSecret, TopicPattern};

/// What a minted token says. `Debug` does not show it.
#[derive(Clone)]
pub struct Claims {
    /// `sub`: 1 to 256 bytes without control characters, else no verifier takes the token.
    pub user: String,
    /// `tenant`.
    pub tenant: Option<Tenant>,
    /// Which topics may be read.
    pub subscribe: Vec<TopicPattern>,
    /// Which topics may be published to.
    pub publish: Vec<TopicPattern>,
    /// Whether the administration is open to it.
    pub admin: bool,
    /// `iat`, in whole seconds.
    pub issued_at: SystemTime,
    /// `exp`, in whole seconds.
    pub expires_at: SystemTime,
    /// `jti`.
    pub token_id: Option<String>,
    /// `aud`.
    pub audience: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
}

#[derive(Serialize)]
struct Payload<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    hookwire: Permissions<'a>,
}

#[derive(Serialize)]
struct Permissions<'a> {
    subscribe: Vec<&'a str>,
    publish: Vec<&'a str>,
    admin: bool,
}

/// Makes a token, signed with HS256, for development and tests.
///
/// Nothing is checked but what the types say: a token may be made that no verifier takes.
#[must_use]
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "texts and numbers become JSON, and any bytes are a secret"
)]
pub fn mint(secret: &HmacSecret, claims: &Claims) -> String {
    let payload = Payload {
        sub: &claims.user,
        iat: seconds(claims.issued_at),
        exp: seconds(claims.expires_at),
        jti: claims.token_id.as_deref(),
        aud: claims.audience.as_deref(),
        iss: claims.issuer.as_deref(),
        tenant: claims.tenant.as_ref().map(Tenant::as_str),
        hookwire: Permissions {
            subscribe: claims.subscribe.iter().map(TopicPattern::as_str).collect(),
            publish: claims.publish.iter().map(TopicPattern::as_str).collect(),
            admin: claims.admin,
        },
    };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &payload, &secret.signing_key())
        .expect("a token of texts and numbers can be written")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}
