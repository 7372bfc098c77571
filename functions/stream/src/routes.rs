use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use hookwire_access::Origins;
use hookwire_edges::{Readiness, State, open_access};
use hookwire_egress_sse::EgressParts;
use hookwire_http::{Problem, count_answers, method_not_allowed};
use hookwire_log::{Lateness, Log};
use hookwire_log_redis::RedisLog;
use hookwire_redis::Redis;
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// The routes of the function; its streams end with `draining`.
pub(crate) fn router(config: Config, draining: CancellationToken) -> anyhow::Result<Router> {
    let redis = Arc::new(Redis::new(&config.log.redis).context("cannot set Redis up")?);
    let log = RedisLog::on(Arc::clone(&redis), &config.log);
    // Connected while the platform hands the first request over.
    log.listen();
    let log: Arc<dyn Log> = Arc::new(log);
    let state = State::shared(redis, &config.log.redis, config.access.streams.longest_token);
    let origins = Origins::new(hookwire_edges::texts(&config.egress.cors_origins));
    let keys = config.access.jwks.iter().cloned().collect();
    let (access, _limits) = open_access(config.access, origins, config.trusted_hops, &state);
    let lateness = Lateness::default();
    let readiness = Readiness::new(Arc::clone(&log), lateness.clone()).with_keys(keys);
    let health = hookwire_edges::health(Arc::new(readiness));
    let parts = EgressParts { log, lateness, access, cursors: state.cursors, draining };
    let router = hookwire_egress_sse::streams(config.egress, parts).merge(health);
    let router = router.fallback(not_found).method_not_allowed_fallback(method_not_allowed);
    Ok(count_answers(router, []))
}

async fn not_found() -> Problem {
    let detail = "there is GET /events, /healthz and /readyz; everything else is at the address of the function `receive`";
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}
