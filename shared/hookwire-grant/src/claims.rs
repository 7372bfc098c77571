//! What a token claims, and the rules for each claim.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hookwire_event::Tenant;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::bad;
use crate::{Grant, GrantConfig, TokenError, TopicPattern};

const MAX_USER_BYTES: usize = 256;

const MAX_TOKEN_ID_BYTES: usize = 256;

/// Per list. More belong into one pattern, and every open stream asks all of them.
const MAX_PATTERNS: usize = 100;

/// Types are checked with the values, so that each mistake gets its own message. `null` is a value.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Payload {
    #[serde(deserialize_with = "present")]
    sub: Option<Value>,
    #[serde(deserialize_with = "present")]
    iss: Option<Value>,
    #[serde(deserialize_with = "present")]
    aud: Option<Value>,
    #[serde(deserialize_with = "present")]
    exp: Option<Value>,
    #[serde(deserialize_with = "present")]
    nbf: Option<Value>,
    #[serde(deserialize_with = "present")]
    iat: Option<Value>,
    #[serde(deserialize_with = "present")]
    jti: Option<Value>,
    #[serde(deserialize_with = "present")]
    tenant: Option<Value>,
    // Raw, since a `Value` would take the last of two members of one name without a word.
    #[serde(deserialize_with = "present")]
    hookwire: Option<Box<RawValue>>,
}

/// Other members are ignored: they belong to later versions.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Permissions {
    #[serde(deserialize_with = "present")]
    subscribe: Option<Value>,
    #[serde(deserialize_with = "present")]
    publish: Option<Value>,
    #[serde(deserialize_with = "present")]
    admin: Option<Value>,
}

/// When a token was made and when it ends.
#[derive(Clone, Copy)]
pub(crate) struct Lifetime {
    issued_at: Option<SystemTime>,
    expires_at: SystemTime,
}

impl Payload {
    pub(crate) fn lifetime(
        &self,
        now: SystemTime,
        config: &GrantConfig,
    ) -> Result<Lifetime, TokenError> {
        let Some(exp) = self.exp.as_ref().and_then(Value::as_f64) else {
            return Err(bad(
                "the token's exp is not a number; every token needs one: seconds since 1970",
            ));
        };
        let leeway = config.leeway.as_secs_f64();
        // In floating point no claimed time, however absurd, overflows.
        let ahead = config.max_lifetime.as_secs_f64() + leeway;
        if exp > now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() + ahead {
            return Err(bad(
                "the token's exp is further in the future than is accepted; make tokens that live \
                 for less, and note that exp counts seconds, not milliseconds",
            ));
        }
        let expires_at = moment(exp + leeway).ok_or(TokenError::Expired)?;
        if now >= expires_at {
            return Err(TokenError::Expired);
        }
        past(self.nbf.as_ref(), now, config.leeway, "the token's nbf is not a number")?;
        let issued_at =
            past(self.iat.as_ref(), now, config.leeway, "the token's iat is not a number")?;
        // Or it would become good when a revocation of it is forgotten.
        if issued_at
            .is_some_and(|issued| expires_at > issued + config.max_lifetime + config.leeway * 2)
        {
            return Err(bad(
                "the token lives for longer (from iat to exp) than is accepted; make tokens that live for less",
            ));
        }
        Ok(Lifetime { issued_at, expires_at })
    }

    pub(crate) fn check_party(&self, config: &GrantConfig) -> Result<(), TokenError> {
        if let Some(issuer) = &config.issuer
            && self.iss.as_ref().and_then(Value::as_str) != Some(issuer)
        {
            return Err(bad(
                "the token's iss is not the configured issuer; set both to the same text",
            ));
        }
        let Some(audience) = &config.audience else {
            return Ok(());
        };
        let is_ours = |claimed: &Value| claimed.as_str() == Some(audience);
        match &self.aud {
            Some(Value::Array(claimed)) if !claimed.iter().all(Value::is_string) => {
                Err(bad("the token's aud is neither a string nor an array of strings"))
            }
            Some(Value::Array(claimed)) if claimed.iter().any(is_ours) => Ok(()),
            Some(claimed) if is_ours(claimed) => Ok(()),
            Some(_) | None => Err(bad(
                "the token's aud does not hold the configured audience; set both to the same text",
            )),
        }
    }

    pub(crate) fn grant(self, lifetime: Lifetime) -> Result<Grant, TokenError> {
        let user = text(self.sub.as_ref(), MAX_USER_BYTES).ok_or_else(|| {
            bad("the token's sub is not a user: 1 to 256 bytes without control characters")
        })?;
        let token_id = match &self.jti {
            None => None,
            jti => Some(text(jti.as_ref(), MAX_TOKEN_ID_BYTES).ok_or_else(|| {
                bad("the token's jti is not 1 to 256 bytes without control characters")
            })?),
        };
        let tenant = match &self.tenant {
            None => None,
            Some(tenant) => {
                let tenant = tenant.as_str().and_then(|tenant| Tenant::parse(tenant).ok());
                Some(tenant.ok_or_else(|| {
                    bad("the token's tenant is not 1 to 64 letters, digits, `-`, `_` and `.`")
                })?)
            }
        };
        let permissions = self.hookwire.as_deref().map(Permissions::parse).transpose()?;
        let permissions = permissions.unwrap_or_default();
        let admin = match permissions.admin {
            None => false,
            Some(Value::Bool(admin)) => admin,
            Some(_) => return Err(bad("the token's hookwire.admin is neither true nor false")),
        };
        Ok(Grant {
            user,
            tenant,
            token_id,
            issued_at: lifetime.issued_at,
            expires_at: lifetime.expires_at,
            subscribe: patterns(
                permissions.subscribe,
                "the token's hookwire.subscribe is not an array of at most 100 topic patterns",
            )?,
            publish: patterns(
                permissions.publish,
                "the token's hookwire.publish is not an array of at most 100 topic patterns",
            )?,
            admin,
        })
    }
}

impl Permissions {
    fn parse(claim: &RawValue) -> Result<Self, TokenError> {
        // A struct would be read from an array as well, member by member.
        let object = claim.get().trim_ascii_start().starts_with('{');
        let permissions = object.then(|| serde_json::from_str(claim.get()).ok()).flatten();
        permissions.ok_or_else(|| {
            bad("the token's hookwire is not an object that has each of its members once")
        })
    }
}

/// A time that must not be in the future, if there is one.
fn past(
    claim: Option<&Value>,
    now: SystemTime,
    leeway: Duration,
    no_number: &'static str,
) -> Result<Option<SystemTime>, TokenError> {
    let Some(claim) = claim else {
        return Ok(None);
    };
    let seconds = claim.as_f64().ok_or_else(|| bad(no_number))?;
    // Before 1970 is as long ago as 1970, and what no clock reaches is in the future.
    let time = moment(seconds.max(0.0)).ok_or(TokenError::NotYetValid)?;
    let ahead = time.duration_since(now).unwrap_or_default();
    if ahead > leeway { Err(TokenError::NotYetValid) } else { Ok(Some(time)) }
}

/// RFC 7519 allows fractions of a second.
fn moment(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

fn text(claim: Option<&Value>, max_bytes: usize) -> Option<Arc<str>> {
    let text = claim?.as_str()?;
    let fits = (1..=max_bytes).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.into())
}

fn patterns(
    claim: Option<Value>,
    no_list: &'static str,
) -> Result<Arc<[TopicPattern]>, TokenError> {
    let list = match claim {
        None => return Ok(Arc::default()),
        Some(Value::Array(list)) if list.len() <= MAX_PATTERNS => list,
        Some(_) => return Err(bad(no_list)),
    };
    let pattern = |pattern: &Value| {
        let pattern = pattern.as_str().ok_or_else(|| bad(no_list))?;
        TopicPattern::parse(pattern).map_err(|invalid| bad(invalid.reason()))
    };
    list.iter().map(pattern).collect()
}

/// `null` counts as well, which an `Option` alone would not see.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    field: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}
