use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use hookwire_access::{PagesGuard, guard_admin};
use hookwire_egress_sse::ApiParts;
use hookwire_http::{AroundLayer, Problem, count_answers, method_not_allowed};
use http::StatusCode;

use crate::parts::Parts;

/// The routes of the function.
pub(crate) fn router(parts: Parts) -> Router {
    let Parts { ingress, api, log, readiness, quarantine, intake, state, access, limits } = parts;
    let health = hookwire_edges::health(Arc::new(readiness));
    let api_parts = ApiParts {
        log,
        intake: Arc::clone(&intake),
        access: Arc::clone(&access),
        cursors: state.cursors,
        event_limits: Arc::clone(&limits.events),
    };
    let api = hookwire_egress_sse::api(api, api_parts);
    let paths: Vec<_> = ingress.sources.iter().map(|source| source.path.clone()).collect();
    let (webhooks, admin) = hookwire_ingress::routers(ingress, limits, intake, quarantine);
    let admin = admin.layer(from_fn_with_state(Arc::clone(&access), guard_admin));
    let webhooks = webhooks.layer(AroundLayer::new(PagesGuard(access)));
    let router = webhooks.merge(api).merge(admin).merge(health);
    let router = router.fallback(not_found).method_not_allowed_fallback(method_not_allowed);
    count_answers(router, paths)
}

async fn not_found() -> Problem {
    let detail = "there is POST /webhooks/{source}, /topics/{topic}/events, POST /ack, POST /tickets, /healthz and \
                  /readyz; streams are at the address of the function `stream`";
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}
