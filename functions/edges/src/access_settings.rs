use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hookwire_access::{SameSite, Sealer};
use hookwire_boot::{FromSetting, Secret, Settings};
use hookwire_grant::{Algorithm, GrantConfig, HmacSecret, Verifier};
use hookwire_http::Bypass;
use hookwire_jwks::{Jwks, JwksConfig, JwksLocation};
use hookwire_state::{Over, Quota, StreamsConfig};

/// Who may do what, and how often.
#[derive(Debug)]
pub struct AccessSettings {
    /// The keys of subscribers and publishers; without them the relay is open.
    pub verifier: Option<Verifier>,
    /// Which keys those are, in words.
    pub keys: Vec<String>,
    /// Those that are published.
    pub jwks: Option<Arc<Jwks>>,
    /// What `hookwire token` signs with, if there is a secret.
    pub signing: Option<Signing>,
    /// What is allowed and yet hardly meant, in words.
    pub doubts: Vec<&'static str>,
    /// For tickets and their cookies.
    pub sealer: Option<Sealer>,
    /// Whether `?token=` is taken.
    pub query_tokens: bool,
    /// Streams of one user.
    pub streams: StreamsConfig,
    /// How often what may happen.
    pub quotas: Quotas,
    /// Whoever knows this is not limited.
    pub bypass: Option<Bypass>,
}

/// What a token is signed with, so that the relay takes it.
#[derive(Debug)]
pub struct Signing {
    /// The newest secret.
    pub secret: HmacSecret,
    /// Its `aud`.
    pub audience: Option<String>,
    /// Its `iss`.
    pub issuer: Option<String>,
}

/// How often what may happen.
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// Requests of one client without proof.
    pub client: Quota,
    /// Verified pushes of one source.
    pub source: Quota,
    /// Requests of one user.
    pub user: Quota,
    /// Events on one topic.
    pub topic: Option<Quota>,
    /// Events in all.
    pub global: Option<Quota>,
}

/// As [`access`], for functions that everybody reaches: without keys they would be open to all.
pub fn keyed_access(settings: &Settings) -> AccessSettings {
    let access = access(settings);
    if access.verifier.is_none() {
        let right = "must be set, or `jwks`: everybody reaches a function, and without keys could read everything";
        settings.mistake("jwt_secret", right);
    }
    access
}

/// Reads who may do what.
pub fn access(settings: &Settings) -> AccessSettings {
    let longest_token = settings
        .value_in("jwt_max_lifetime", Duration::from_mins(1)..=Duration::from_hours(24 * 366));
    let secret: Option<Jwt> = settings.optional("jwt_secret");
    let before: Option<Jwt> = settings.optional("jwt_secret_before");
    if before.is_some() && secret.is_none() {
        settings.mistake("jwt_secret_before", "needs `jwt_secret`, which it was replaced by");
    }
    let mut keys: Vec<String> = Vec::new();
    keys.extend(secret.is_some().then(|| "a secret (HS256)".to_owned()));
    keys.extend(before.is_some().then(|| "the secret before it (HS256)".to_owned()));
    let jwks: Option<Location> = settings.optional("jwks");
    let jwks = jwks.map(|Location(location)| {
        let algorithms = settings.list::<Algorithms>("jwt_algorithms").into_iter();
        let algorithms: Vec<Algorithm> = algorithms.map(|one| one.0).collect();
        let names: Vec<_> = algorithms.iter().map(|one| one.name()).collect();
        keys.push(format!("public keys at {location} ({})", names.join(", ")));
        (Arc::new(Jwks::new(JwksConfig::new(location))), algorithms)
    });
    let leeway = settings.value_in("jwt_leeway", Duration::ZERO..=Duration::from_mins(5));
    let sealing: Option<Jwt> = settings.optional("ticket_secret");
    let sealer = sealing.or_else(|| secret.clone()).map(|Jwt(text, _)| {
        let SameSiteSetting(same_site) = settings.value("cookie_same_site");
        let sealer = Sealer::new(text.expose().as_bytes(), same_site);
        match &before {
            Some(Jwt(before, _)) => sealer.opening(before.expose().as_bytes()),
            None => sealer,
        }
    });
    let published = jwks.as_ref().map(|(jwks, _)| Arc::clone(jwks));
    let has_keys = secret.is_some() || jwks.is_some();
    let (audience, issuer) = (settings.optional("jwt_audience"), settings.optional("jwt_issuer"));
    let query_tokens = settings.value("query_tokens");
    let mut doubts = Vec::new();
    if has_keys && query_tokens {
        doubts.push(QUERY_TOKENS);
    }
    if jwks.is_some() && audience.is_none() {
        doubts.push(NO_AUDIENCE);
    }
    if has_keys && sealer.is_none() {
        doubts.push(NO_TICKETS);
    }
    let signing = secret.clone().map(|Jwt(_, secret)| Signing {
        secret,
        audience: audience.clone(),
        issuer: issuer.clone(),
    });
    let config = GrantConfig {
        secrets: secret.into_iter().chain(before).map(|Jwt(_, secret)| secret).collect(),
        jwks,
        audience,
        issuer,
        leeway,
        max_lifetime: longest_token,
    };
    let bypass: Option<Secret> = settings.optional("bypass_secret");
    let OverSetting(over) = settings.value("streams_over");
    AccessSettings {
        verifier: has_keys.then(|| Verifier::new(config)),
        keys,
        jwks: published,
        signing,
        doubts,
        sealer: sealer.filter(|_| has_keys),
        query_tokens,
        streams: StreamsConfig {
            most: settings.value_in("streams_per_user", 0..=1_000),
            over,
            lease: settings
                .value_in("stream_lease", Duration::from_secs(3)..=Duration::from_mins(10)),
            // Until the last clock says that it has ended.
            longest_token: longest_token + leeway * 2,
            leeway,
        },
        quotas: quotas(settings),
        bypass: bypass.map(|secret| Bypass::new(move |given| secret.matches(given))),
    }
}

const QUERY_TOKENS: &str = "`query_tokens` is on: tokens are then in the logs of whatever stands in front; rather use \
                            tickets";
const NO_AUDIENCE: &str =
    "`jwks` without `jwt_audience`: what its issuer signed for other applications is taken as well";
const NO_TICKETS: &str = "without `ticket_secret` there are no tickets, and an EventSource has to bring a token in the \
                          cookie `hookwire_token`";

fn quotas(settings: &Settings) -> Quotas {
    let per_minute = |name| {
        let limit: u32 = settings.value_in(name, 1..=60_000_000);
        NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN)
    };
    let if_any = |name| {
        let PerMinute(limit) = settings.optional(name)?;
        Some(Quota::per_minute(limit))
    };
    Quotas {
        client: Quota::per_minute(per_minute("client_limit")),
        source: Quota { per_minute: per_minute("source_limit"), burst: per_minute("source_burst") },
        user: Quota::per_minute(per_minute("user_limit")),
        topic: if_any("topic_limit"),
        global: if_any("global_limit"),
    }
}

struct PerMinute(NonZeroU32);

impl FromSetting for PerMinute {
    const EXPECTS: &'static str = "a whole number from 1 to 60000000";

    fn from_text(text: &str) -> Result<Self, String> {
        let limit = text.trim().parse().ok().filter(|limit: &NonZeroU32| limit.get() <= 60_000_000);
        limit.map(Self).ok_or_else(String::new)
    }
}

/// A secret as it was written, and as a key.
#[derive(Clone)]
struct Jwt(Secret, HmacSecret);

impl FromSetting for Jwt {
    const EXPECTS: &'static str = "a secret of at least 32 bytes";

    fn from_text(text: &str) -> Result<Self, String> {
        let key = HmacSecret::new(text).map_err(|invalid| invalid.to_string())?;
        Ok(Self(Secret::new(text), key))
    }
}

struct Location(JwksLocation);

impl FromSetting for Location {
    const EXPECTS: &'static str = "an https URL or the path of a file";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| format!("{error}"))
    }
}

struct Algorithms(Algorithm);

impl FromSetting for Algorithms {
    const EXPECTS: &'static str = "`RS256`, `ES256` or `EdDSA`";

    fn from_text(text: &str) -> Result<Self, String> {
        Algorithm::from_name(text.trim()).map(Self).ok_or_else(String::new)
    }
}

struct OverSetting(Over);

impl FromSetting for OverSetting {
    const EXPECTS: &'static str = "`evict` or `refuse`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "evict" => Ok(Self(Over::EvictOldest)),
            "refuse" => Ok(Self(Over::RefuseNewest)),
            _ => Err(String::new()),
        }
    }
}

struct SameSiteSetting(SameSite);

impl FromSetting for SameSiteSetting {
    const EXPECTS: &'static str = "`strict`, `lax` or `none`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "strict" => Ok(Self(SameSite::Strict)),
            "lax" => Ok(Self(SameSite::Lax)),
            "none" => Ok(Self(SameSite::None)),
            _ => Err(String::new()),
        }
    }
}
