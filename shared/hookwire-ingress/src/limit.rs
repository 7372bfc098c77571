use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hookwire_http::{ClientNet, Peer, TrustedHops};
use http::{HeaderMap, Request};
use tower_governor::GovernorError;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;

/// Who may push how often.
#[derive(Debug)]
pub struct LimitConfig {
    /// Pushes per minute and client to sources without verification, and failed verifications.
    pub client_per_minute: NonZeroU32,
    /// Verified pushes per minute and source. Never per client: Google's addresses are shared, and a refusal slows
    /// the whole subscription down.
    pub source_per_minute: NonZeroU32,
    /// Verified pushes of a source at once.
    pub source_burst: NonZeroU32,
    /// Whoever knows this is not limited.
    pub bypass: Option<Bypass>,
}

/// A secret in `X-Hookwire-Bypass`, for load tests.
pub struct Bypass(Box<Matches>);

type Matches = dyn Fn(&[u8]) -> bool + Send + Sync;

impl Bypass {
    /// A bypass for requests whose header `matches`; the comparison must take constant time.
    pub fn new(matches: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Box::new(matches))
    }
}

impl std::fmt::Debug for Bypass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bypass(…)")
    }
}

#[derive(Debug)]
pub(crate) struct Limits {
    clients: GovernorConfig<ByClient, NoOpMiddleware<governor::clock::QuantaInstant>>,
    sources: Vec<DefaultDirectRateLimiter>,
    bypass: Option<Bypass>,
    checks: AtomicU32,
}

/// Over a limit; the time after which one more is let through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverLimit(pub(crate) Duration);

impl Limits {
    /// Checks between two rounds of forgetting clients that were quiet.
    const FORGET_EVERY: u32 = 10_000;

    pub(crate) fn new(config: LimitConfig, sources: usize) -> Self {
        let per_minute = config.client_per_minute;
        let clients = GovernorConfigBuilder::default()
            .period(Duration::from_mins(1) / per_minute.get())
            .burst_size(per_minute.get())
            .key_extractor(ByClient(TrustedHops(0)))
            .finish();
        #[expect(clippy::expect_used, reason = "neither the period nor the burst is zero")]
        let clients = clients.expect("a non-zero rate gives a configuration");
        let quota = Quota::per_minute(config.source_per_minute).allow_burst(config.source_burst);
        Self {
            clients,
            sources: (0..sources).map(|_| RateLimiter::direct(quota)).collect(),
            bypass: config.bypass,
            checks: AtomicU32::new(0),
        }
    }

    pub(crate) fn is_bypassed(&self, headers: &HeaderMap) -> bool {
        let secret = headers.get("x-hookwire-bypass");
        secret
            .zip(self.bypass.as_ref())
            .is_some_and(|(secret, bypass)| (bypass.0)(secret.as_bytes()))
    }

    /// Counts one unproven push of a client.
    pub(crate) fn client(&self, client: ClientNet) -> Result<(), OverLimit> {
        let limiter = self.clients.limiter();
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(Self::FORGET_EVERY) {
            limiter.retain_recent();
        }
        limiter
            .check_key(&client)
            .map_err(|not_until| OverLimit(not_until.wait_time_from(DefaultClock::default().now())))
    }

    /// Counts one verified push of a source.
    pub(crate) fn source(&self, index: usize) -> Result<(), OverLimit> {
        let Some(limiter) = self.sources.get(index) else { return Ok(()) };
        limiter
            .check()
            .map_err(|not_until| OverLimit(not_until.wait_time_from(DefaultClock::default().now())))
    }
}

/// The client behind the trusted proxies; the extractors that tower-governor brings take the left end of
/// `X-Forwarded-For`, which clients write themselves.
#[derive(Debug, Clone, Copy)]
struct ByClient(TrustedHops);

impl KeyExtractor for ByClient {
    type Key = ClientNet;

    fn extract<T>(&self, request: &Request<T>) -> Result<ClientNet, GovernorError> {
        let peer = request.extensions().get::<Peer>().copied();
        let peer = peer.ok_or(GovernorError::UnableToExtractKey)?;
        Ok(ClientNet::of(peer, request.headers(), self.0))
    }
}
