use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookwire_jwks::{Algorithm, Jwks, Jws, VerifyingKey};
use serde_json::Value;

use crate::claims::Payload;
use crate::error::bad;
use crate::{Grant, HmacSecret, TokenError};

/// Which tokens are taken.
#[derive(Clone, Debug)]
pub struct GrantConfig {
    /// Secrets for HS256; two while one takes the other's place. Default: none, and no HS256.
    pub secrets: Vec<HmacSecret>,
    /// Published keys and the algorithms they are taken for. Default: none.
    pub jwks: Option<(Arc<Jwks>, Vec<Algorithm>)>,
    /// What a token's `aud` must hold. Default: `None`, and any audience is accepted.
    pub audience: Option<String>,
    /// What a token's `iss` must be. Default: `None`, and any issuer is accepted.
    pub issuer: Option<String>,
    /// How far the clocks may differ. Default: 30 s.
    pub leeway: Duration,
    /// How far ahead a token may end. Default: 30 d.
    pub max_lifetime: Duration,
}

impl Default for GrantConfig {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            jwks: None,
            audience: None,
            issuer: None,
            leeway: Duration::from_secs(30),
            max_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// Reads grants out of tokens.
#[derive(Debug)]
pub struct Verifier {
    config: GrantConfig,
    secrets: Vec<VerifyingKey>,
}

impl Verifier {
    /// Verifies with the keys of `config`; without any, every token is refused.
    #[must_use]
    pub fn new(config: GrantConfig) -> Self {
        let secrets = config.secrets.iter().map(HmacSecret::verifying_key).collect();
        Self { config, secrets }
    }

    /// Finds out what the bearer of `token` may do, `now` being the time it came in.
    ///
    /// # Errors
    ///
    /// One variant per answer, see [`TokenError`].
    pub async fn verify(&self, token: &str, now: SystemTime) -> Result<Grant, TokenError> {
        let jws = Jws::parse(token).map_err(|invalid| bad(invalid.reason()))?;
        check_type(&jws)?;
        let claims: Payload = jws.claims().map_err(|invalid| bad(invalid.reason()))?;
        // Before the signature, although nothing is proven yet: a forger learns nothing but the
        // time, and old tokens whose key is long gone cause no fetch.
        let lifetime = claims.lifetime(now, &self.config)?;
        self.check_signature(&jws).await?;
        claims.check_party(&self.config)?;
        claims.grant(lifetime)
    }

    /// The token's `alg` only says which of our keys to try, each with its own algorithm.
    async fn check_signature(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        let verified = if jws.alg() == "HS256" && !self.secrets.is_empty() {
            self.secrets.iter().any(|secret| secret.verifies(jws))
        } else {
            self.published_key(jws).await?.verifies(jws)
        };
        if verified { Ok(()) } else { Err(bad("the token's signature is not valid")) }
    }

    async fn published_key(&self, jws: &Jws<'_>) -> Result<Arc<VerifyingKey>, TokenError> {
        let named = Algorithm::from_name(jws.alg());
        let Some((jwks, algorithm)) = self.config.jwks.as_ref().and_then(|(jwks, accepted)| {
            Some((jwks, named.filter(|named| accepted.contains(named))?))
        }) else {
            return Err(bad(
                "the token's alg is not one that is configured: HS256 needs a secret, RS256, ES256 \
                 and EdDSA need a JWKS and to be accepted with it",
            ));
        };
        match jws.kid() {
            Some(kid) => jwks.key(kid, algorithm).await?.ok_or_else(|| {
                bad("the token's kid is not among the published keys for its alg; publish it first")
            }),
            None => jwks.only_key(algorithm).await?.ok_or_else(|| {
                bad("the token's header names no key (kid), and not exactly one is published for \
                     its alg")
            }),
        }
    }
}

fn check_type(jws: &Jws<'_>) -> Result<(), TokenError> {
    let is_access = |typ: &Value| {
        let typ = typ.as_str().unwrap_or_default();
        typ.eq_ignore_ascii_case("JWT") || typ.eq_ignore_ascii_case("at+jwt")
    };
    match jws.typ() {
        Some(typ) if !is_access(typ) => {
            Err(bad("the token's typ is neither JWT nor at+jwt; it was made for something else"))
        }
        Some(_) | None => Ok(()),
    }
}
