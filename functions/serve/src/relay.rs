use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::middleware::from_fn_with_state;
use hookwire_access::{Origins, PagesGuard, guard_admin};
use hookwire_boot::shutdown;
use hookwire_boot::telemetry::LogFilter;
use hookwire_edges::{Limits, Readiness, Words, health, open_access, texts};
use hookwire_egress_sse::{ApiConfig, ApiParts, EgressConfig, EgressParts};
use hookwire_http::{
    AroundLayer, Listener, LoopbackGuard, OriginGuard, Problem, count_answers, method_not_allowed,
};
use hookwire_ingress::{IngressConfig, IngressLimits};
use hookwire_log::{Quarantine, TracedLog};
use hookwire_metrics::Registry;
use hookwire_traces_settings::Traces;
use http::StatusCode;
use tracing::{info, warn};

use crate::config::load;
use crate::floor::floor;
use crate::log::Kept;
use crate::queue::Queueing;
use crate::{log, log_filter, metrics, state};

/// How long the end of the process waits for Sentry.
const SENTRY_WITHIN: Duration = Duration::from_secs(2);

/// Runs the relay until it is told to stop.
pub(crate) async fn serve(path: Option<PathBuf>) -> anyhow::Result<()> {
    let (config, warnings) = load(path).await?;
    let (telemetry, sentry) = config.telemetry.open("serve");
    let filter = telemetry.start();
    for warning in &warnings {
        warn!("{warning}");
    }
    // Before anything is made that counts: what it takes hold of does not change.
    let registry = metrics::start(config.metrics)?;
    // A stream is a descriptor, and the usual limit of 1,024 is a desktop's.
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_default();
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let listening = config.listener.within(descriptors);
    let connections = listening.max_connections;
    let listener = Listener::bind(config.listen, listening);
    let listener = listener.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.address()?;
    let traces = Traces::new(config.traces);
    traces.send_in_background();
    let Kept { log, quarantine, redis } = log::open(&config.log)?;
    let log = TracedLog::over(log, &traces.tracer(), config.log.kind());
    let state = state::open(&config.log, redis, config.access.streams.longest_token)?;
    let queueing = match &config.queue {
        None => Queueing::none(Arc::clone(&log), Arc::clone(&quarantine)),
        Some(settings) => {
            let (log, quarantine) = (Arc::clone(&log), Arc::clone(&quarantine));
            Queueing::start(
                settings,
                settings.durability.drain(config.log.retention()),
                log,
                quarantine,
                traces.tracer(),
                &stop,
            )
        }
    };
    let Queueing { intake, lateness, sqs, tasks } = queueing;
    let keys = config.ingress.keys().chain(config.access.jwks.clone()).collect();
    let readiness = Readiness::new(Arc::clone(&log), lateness.clone()).with_keys(keys);
    let readiness = Arc::new(match sqs {
        None => readiness,
        Some(sqs) => {
            readiness.degraded_while(Words::QUEUE_UNREACHABLE, move || sqs.is_left_alone())
        }
    });
    let intake = Arc::new(intake.with_tracer(traces.tracer()));
    let (access, limits) = open_access(
        config.access,
        Origins::new(texts(&config.egress.cors_origins)),
        config.ingress.trusted_hops,
        &state,
    );
    let Limits { clients, sources, events, bypass } = limits;
    let limits = IngressLimits { clients, sources, events, bypass };
    let known_to = if access.is_open() {
        "open to this machine: no keys are configured"
    } else {
        "for who brings a token"
    };
    let api = ApiParts {
        log: Arc::clone(&log),
        intake,
        access: Arc::clone(&access),
        cursors: Arc::clone(&state.cursors),
        event_limits: Arc::clone(&limits.events),
    };
    let (cursors, draining, tracer) = (state.cursors, stop.clone(), traces.tracer());
    let egress = EgressParts { log, lateness, access, cursors, draining, tracer };
    let edges = Edges {
        ingress: config.ingress,
        api: config.api,
        egress: config.egress,
        console: config.console,
        registry,
    };
    let router = edges.router(api, egress, limits, quarantine, readiness, filter)?;
    info!(descriptors, connections, "listening on http://{address}, {known_to}");
    listener.serve(router, stop).await;
    tasks.join_all().await;
    traces.finish().await;
    info!("stopped");
    if let Some(sentry) = sentry {
        sentry.flush(SENTRY_WITHIN).await;
    }
    Ok(())
}

/// How the edges are set up.
struct Edges {
    ingress: IngressConfig,
    api: ApiConfig,
    egress: EgressConfig,
    console: bool,
    registry: Option<Registry>,
}

impl Edges {
    fn router(
        self,
        api: ApiParts,
        parts: EgressParts,
        limits: IngressLimits,
        quarantine: Arc<dyn Quarantine>,
        readiness: Arc<Readiness>,
        filter: LogFilter,
    ) -> anyhow::Result<Router> {
        let guard = LoopbackGuard { origins: texts(&self.egress.cors_origins).into() };
        let access = Arc::clone(&parts.access);
        let health = health(Arc::clone(&readiness));
        let trusted_hops = self.ingress.trusted_hops;
        let paths: Vec<_> = self.ingress.sources.iter().map(|one| one.path.clone()).collect();
        let (webhooks, admin) =
            hookwire_ingress::routers(self.ingress, limits, Arc::clone(&api.intake), quarantine);
        let only_administrators = from_fn_with_state(Arc::clone(&access), guard_admin);
        let admin = admin.merge(metrics::router(self.registry, readiness));
        let admin = floor(admin.merge(log_filter::routes(filter)), trusted_hops);
        let admin = admin.layer(only_administrators);
        let console = if self.console { hookwire_console::router() } else { Router::new() };
        let pages = hookwire_egress_sse::streams(self.egress, parts)
            .merge(hookwire_egress_sse::api(self.api, api))
            .merge(admin)
            .merge(console);
        let router = if access.is_open() {
            // Nobody proves anything, so only this machine may come, and no page from elsewhere.
            let only_this_machine = AroundLayer::new(guard.clone());
            let only_known_pages = AroundLayer::new(OriginGuard(guard));
            webhooks.layer(only_known_pages).merge(pages.layer(only_this_machine))
        } else {
            webhooks.layer(AroundLayer::new(PagesGuard(access))).merge(pages)
        };
        let router = router.merge(health).fallback(not_found);
        Ok(count_answers(router.method_not_allowed_fallback(method_not_allowed), paths))
    }
}

async fn not_found() -> Problem {
    let detail = "there is GET /events, /topics/{topic}/events, POST /webhooks/{source}, POST /ack, POST /tickets, \
                  /healthz, /readyz, /metrics, /admin/log, and the console at /";
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}
