use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hookwire_access::{Access, AccessConfig, Origins};
use hookwire_egress_sse::{ApiConfig, ApiParts, EgressConfig, EgressParts};
use hookwire_event::SourceUri;
use hookwire_grant::{GrantConfig, HmacSecret, Verifier};
use hookwire_http::TrustedHops;
use hookwire_hub::RingLimit;
use hookwire_ingress::oidc::{OidcConfig, OidcVerifier};
use hookwire_ingress::sources::{GooglePush, PubSub};
use hookwire_ingress::{IngressConfig, IngressLimits, SourceConfig};
use hookwire_jwks::{Jwks, JwksConfig};
use hookwire_log::{Clock, Lateness, MemoryLog, Retention};
use hookwire_queue::Intake;
use hookwire_state::{EventLimits, Limit, MemoryState, OpenStreams, Over, Quota, StreamsConfig};
use hookwire_traces::Tracer;
use tokio_util::sync::CancellationToken;

use crate::tokens;

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    None,
    /// Users bring tokens.
    Users,
    /// Pushers do.
    Pushers,
}

/// The edges of a relay over a log in memory, without what is below and in front of them.
#[derive(Debug)]
pub struct Relay {
    pub log: Arc<MemoryLog>,
    pub router: Router,
}

impl Relay {
    /// Sets it up as `hookwire serve` does. Needs a runtime.
    pub fn new(keys: Keys) -> anyhow::Result<Self> {
        let retention = Retention { events: 2_000_000, bytes: 1 << 30, ..Retention::default() };
        let log = Arc::new(MemoryLog::new(retention, Clock::system()));
        let state = Arc::new(MemoryState::default());
        let intake = Arc::new(Intake::new(Arc::clone(&log) as _, Arc::clone(&log) as _));
        let access = access(keys, &state)?;
        let limits = || Arc::new(EventLimits { topic: None, global: None });
        let api = ApiParts {
            log: Arc::clone(&log) as _,
            intake: Arc::clone(&intake),
            access: Arc::clone(&access),
            cursors: Arc::clone(&state) as _,
            event_limits: limits(),
        };
        let parts = EgressParts {
            log: Arc::clone(&log) as _,
            lateness: Lateness::default(),
            access,
            cursors: state,
            draining: CancellationToken::new(),
            tracer: Tracer::default(),
        };
        let limits = IngressLimits {
            clients: Arc::new(limit("client")),
            sources: limit("source"),
            events: limits(),
            bypass: None,
        };
        let (webhooks, _admin) =
            hookwire_ingress::routers(ingress(keys)?, limits, intake, Arc::clone(&log) as _);
        let api_config = ApiConfig { max_body_bytes: 1 << 20, cors_origins: Vec::new() };
        let router = webhooks
            .merge(hookwire_egress_sse::streams(egress(), parts))
            .merge(hookwire_egress_sse::api(api_config, api));
        Ok(Self { log, router })
    }
}

fn access(keys: Keys, state: &Arc<MemoryState>) -> anyhow::Result<Arc<Access>> {
    let streams = StreamsConfig {
        most: 3,
        over: Over::EvictOldest,
        lease: Duration::from_secs(30),
        longest_token: Duration::from_hours(24 * 30),
        leeway: Duration::from_secs(30),
    };
    let streams = OpenStreams::new(streams, Arc::clone(state) as _, Arc::clone(state) as _);
    let streams = Arc::new(streams);
    let verifier = if keys == Keys::Users {
        tokio::spawn(Arc::clone(&streams).watch());
        let secrets = vec![HmacSecret::new(tokens::SECRET)?];
        Some(Verifier::new(GrantConfig { secrets, ..GrantConfig::default() }))
    } else {
        None
    };
    let config = AccessConfig {
        verifier,
        sealer: None,
        origins: Origins::new(Vec::new()),
        query_tokens: false,
        trusted_hops: TrustedHops::default(),
        failures: Arc::new(limit("client")),
        users: limit("user"),
        bypass: None,
    };
    Ok(Arc::new(Access::new(config, streams, Arc::clone(state) as _)))
}

fn ingress(keys: Keys) -> anyhow::Result<IngressConfig> {
    let verifier = if keys == Keys::Pushers {
        let location = tokens::key_set().display().to_string().parse()?;
        let config = OidcConfig::new(tokens::AUDIENCE, Some(tokens::EMAIL.to_owned()));
        Some(OidcVerifier::new(config, Arc::new(Jwks::new(JwksConfig::new(location)))))
    } else {
        None
    };
    let source = SourceConfig {
        name: "pubsub".to_owned(),
        kind: Box::new(PubSub(GooglePush { wrapped: true, verifier })),
        path: "/webhooks/pubsub".to_owned(),
        tenant: None,
        topic: "pubsub/{subscription}".parse()?,
        event_type: None,
        uri: SourceUri::parse("/webhooks/pubsub")?,
    };
    Ok(IngressConfig {
        sources: vec![source],
        max_body_bytes: 1 << 20,
        trusted_hops: TrustedHops::default(),
    })
}

fn egress() -> EgressConfig {
    EgressConfig {
        heartbeat: Duration::from_secs(15),
        retry: Duration::from_secs(3),
        max_lifetime: Duration::from_hours(1),
        linger: None,
        max_stream_bytes: None,
        slow_after: Duration::from_secs(30),
        ring: RingLimit::default(),
        cors_origins: Vec::new(),
    }
}

/// One that nobody reaches.
fn limit(scope: &'static str) -> Limit {
    Limit::new(scope, Quota::per_minute(NonZeroU32::MAX), None)
}
