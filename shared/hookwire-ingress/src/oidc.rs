//! Google's OIDC tokens: does this push come from the account that may push here?
//!
//! A token that is unsigned, forged, expired or not Google's is refused with 401. A good one that
//! was made for another endpoint or by another account is refused with 403. Anyone can have Google
//! sign a token for any audience, so the audience alone proves nothing: configure the e-mail as
//! well.
//!
//! Source: <https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions>

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hookwire_jwks::{Algorithm, Jwks, Jws, KeysUnavailable};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::Value;

use crate::proven::{Fingerprint, Proven, Signed};

/// Both spellings are in Google's tokens.
///
/// Source: <https://github.com/googleapis/google-auth-library-python>, `google/oauth2/id_token.py`
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// Which Google-signed tokens a source accepts.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// The push audience of the subscription, compared exactly. Google's default is the push
    /// endpoint's URL.
    pub audience: String,
    /// The service account that signs. `None` accepts every account, that is, everyone with a
    /// Google Cloud project.
    pub email: Option<String>,
    /// How far the clocks may differ. Default: 60 s.
    pub leeway: Duration,
    /// The longest lifetime a token may claim. Default: 24 h; Google's live for 1 h.
    pub max_lifetime: Duration,
}

impl OidcConfig {
    /// Accepts tokens for `audience` of the account `email`, with the default times.
    #[must_use]
    pub fn new(audience: impl Into<String>, email: Option<String>) -> Self {
        Self {
            audience: audience.into(),
            email,
            leeway: Duration::from_secs(60),
            max_lifetime: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// Verifies the token of a push request.
#[derive(Clone, Debug)]
pub struct OidcVerifier {
    config: OidcConfig,
    jwks: Arc<Jwks>,
    proven: Arc<Proven<Claims>>,
}

/// The account a verified token belongs to. `Debug` does not show it.
#[derive(Clone, Eq, PartialEq)]
pub struct Caller {
    email: String,
}

/// Why a request is not let in. Messages tell the developer what to change and never quote the
/// token.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no `Authorization` header: 401.
    #[error(
        "the request carries no token; enable authentication on the push subscription, \
         which then sends Authorization: Bearer"
    )]
    MissingToken,
    /// The token proves nothing: 401.
    #[error("{reason}")]
    BadToken {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A good token that was made for another endpoint or by another account: 403.
    #[error("{reason}")]
    Stranger {
        /// What does not match the configuration.
        reason: &'static str,
    },
    /// Nobody can be verified for now: 503.
    #[error("the token cannot be verified now; try again later")]
    KeysUnavailable(#[from] KeysUnavailable),
}

/// Absent claims are `Null`. Types are checked with the values, so that each mistake gets its own
/// message.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    iss: Value,
    aud: Value,
    exp: Value,
    iat: Value,
    nbf: Value,
    email: Value,
    email_verified: Value,
}

impl OidcVerifier {
    /// Verifies against `jwks`, which several verifiers may share.
    #[must_use]
    pub fn new(config: OidcConfig, jwks: Arc<Jwks>) -> Self {
        Self { config, jwks, proven: Arc::default() }
    }

    /// The keys that it verifies with.
    #[must_use]
    pub fn keys(&self) -> &Arc<Jwks> {
        &self.jwks
    }

    /// Finds out who sent a request with these headers, `now` being the time it came in.
    ///
    /// # Errors
    ///
    /// One variant per answer, see [`VerifyError`].
    pub async fn verify(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Caller, VerifyError> {
        let token = bearer_token(headers)?;
        let fingerprint = Fingerprint::of(token);
        if let Some(signed) = self.proven.get(&fingerprint) {
            signed.claims.check_time(now, &self.config)?;
            let key = self.jwks.key(&signed.kid, Algorithm::Rs256).await?;
            if key.is_some_and(|key| Arc::ptr_eq(&key, &signed.key)) {
                return self.caller(&signed.claims);
            }
        }
        let jws = Jws::parse(token).map_err(|invalid| bad(invalid.reason()))?;
        if jws.alg() != Algorithm::Rs256.name() {
            return Err(bad("the token's alg is not RS256, with which Google signs"));
        }
        let kid = jws.kid().ok_or_else(|| bad("the token's header names no key (kid)"))?;
        let claims: Claims = jws.claims().map_err(|invalid| bad(invalid.reason()))?;
        // Before the signature, although nothing is proven yet: both answer 401 as a bad signature
        // does, so a forger learns nothing, and old tokens whose key is long gone cause no fetch.
        claims.check_issuer()?;
        claims.check_time(now, &self.config)?;
        let Some(key) = self.jwks.key(kid, Algorithm::Rs256).await? else {
            return Err(bad(
                "the token's kid is not among the published signing keys; push with a token that \
                 Google signed",
            ));
        };
        if !key.verifies(&jws) {
            return Err(bad("the token's signature is not valid"));
        }
        // Google signs for everybody: what strangers bring is not kept.
        let caller = self.caller(&claims)?;
        self.proven.keep(fingerprint, Signed { kid: kid.to_owned(), key, claims });
        Ok(caller)
    }

    /// The account that may push here, of claims that are signed.
    fn caller(&self, claims: &Claims) -> Result<Caller, VerifyError> {
        claims.check_audience(&self.config.audience)?;
        claims.caller(self.config.email.as_deref())
    }
}

impl Caller {
    /// The e-mail address of the account, which Google has verified. Not for logs.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}

impl Claims {
    fn check_issuer(&self) -> Result<(), VerifyError> {
        match self.iss.as_str() {
            Some(issuer) if ISSUERS.contains(&issuer) => Ok(()),
            _ => Err(bad(
                "the token's iss is not https://accounts.google.com: Google did not make it",
            )),
        }
    }

    fn check_time(&self, now: SystemTime, config: &OidcConfig) -> Result<(), VerifyError> {
        // RFC 7519 allows fractions. In floating point no claimed time, however absurd, overflows.
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = config.leeway.as_secs_f64();
        let (Some(issued_at), Some(expires_at)) = (self.iat.as_f64(), self.exp.as_f64()) else {
            return Err(bad("the token's iat and exp are not both numbers"));
        };
        if expires_at - issued_at > config.max_lifetime.as_secs_f64() {
            return Err(bad("the token's lifetime, exp - iat, is longer than is accepted"));
        }
        if now >= expires_at + leeway {
            return Err(bad("the token is expired; if it is new, compare the clocks"));
        }
        if issued_at > now + leeway {
            return Err(bad("the token's iat is in the future; compare the clocks"));
        }
        match (&self.nbf, self.nbf.as_f64()) {
            (Value::Null, _) => Ok(()),
            (_, Some(not_before)) if not_before <= now + leeway => Ok(()),
            _ => Err(bad("the token is not valid yet (nbf); compare the clocks")),
        }
    }

    fn check_audience(&self, audience: &str) -> Result<(), VerifyError> {
        match self.aud.as_str() {
            Some(claimed) if claimed == audience => Ok(()),
            Some(_) => Err(stranger(
                "the token's aud is not the configured push audience; set the subscription's push \
                 audience and the audience configured here to the same text",
            )),
            None => Err(bad("the token's aud is not one string")),
        }
    }

    fn caller(&self, configured: Option<&str>) -> Result<Caller, VerifyError> {
        let Some(email) = self.email.as_str() else {
            return Err(stranger(
                "the token names no account (email); push with a service account",
            ));
        };
        if configured.is_some_and(|configured| configured != email) {
            return Err(stranger(
                "the token's email is not the configured account; set the subscription's push \
                 service account and the email configured here to the same address",
            ));
        }
        if self.email_verified != Value::Bool(true) {
            return Err(stranger(
                "the token's email_verified is not true; push with a service account, whose \
                 address Google verifies",
            ));
        }
        Ok(Caller { email: email.to_owned() })
    }
}

fn bearer_token(headers: &HeaderMap) -> Result<&str, VerifyError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(VerifyError::MissingToken)?;
    if values.next().is_some() {
        return Err(bad("the request carries more than one Authorization header"));
    }
    let credentials = value.to_str().ok().and_then(|value| value.split_once(' '));
    match credentials {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(token.trim_start_matches(' '))
        }
        _ => Err(bad("the Authorization header is not of the form Bearer, space, token")),
    }
}

fn bad(reason: &'static str) -> VerifyError {
    VerifyError::BadToken { reason }
}

fn stranger(reason: &'static str) -> VerifyError {
    VerifyError::Stranger { reason }
}
