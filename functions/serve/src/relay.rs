use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::middleware::from_fn_with_state;
use hookwire_boot::{shutdown, telemetry};
use hookwire_http::{Listener, LoopbackGuard, Problem, guard_loopback, guard_origin};
use hookwire_log::{Lateness, Log, Quarantine};
use hookwire_queue::Intake;
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{Config, load};
use crate::queue::Queueing;
use crate::{log, probes};

/// Runs the relay until it is told to stop.
pub(crate) async fn serve(path: Option<PathBuf>) -> anyhow::Result<()> {
    let (config, warnings) = load(path)?;
    telemetry::start(config.log_format, None);
    for warning in &warnings {
        warn!("{warning}");
    }
    // A stream is a descriptor, and the usual limit of 1,024 is a desktop's.
    let descriptors = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_default();
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    let limits = config.listener.within(descriptors);
    let listener = Listener::bind(config.listen, limits);
    let listener = listener.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.address()?;
    let (log, quarantine) = log::open(&config.log)?;
    let queueing = match &config.queue {
        None => Queueing::none(Arc::clone(&log), Arc::clone(&quarantine)),
        Some(settings) => {
            let (log, quarantine) = (Arc::clone(&log), Arc::clone(&quarantine));
            Queueing::start(
                settings,
                settings.drain(config.log.retention()),
                log,
                quarantine,
                &stop,
            )
        }
    };
    let Queueing { intake, lateness, tasks } = queueing;
    let router = router(config, log, quarantine, Arc::new(intake), lateness, stop.clone())?;
    info!(
        descriptors,
        connections = limits.max_connections,
        "listening on http://{address}, open to this machine: no keys are configured"
    );
    listener.serve(router, stop).await;
    tasks.join_all().await;
    info!("stopped");
    Ok(())
}

fn router(
    config: Config,
    log: Arc<dyn Log>,
    quarantine: Arc<dyn Quarantine>,
    intake: Arc<Intake>,
    lateness: Lateness,
    stop: CancellationToken,
) -> anyhow::Result<Router> {
    let recorder = PrometheusBuilder::new().install_recorder()?;
    let origins = config.egress.cors_origins.iter();
    let origins = origins.filter_map(|origin| origin.to_str().ok().map(str::to_owned)).collect();
    let guard = LoopbackGuard { origins };
    let only_known_pages = from_fn_with_state(guard.clone(), guard_origin);
    let only_this_machine = from_fn_with_state(guard, guard_loopback);
    let (webhooks, admin) =
        hookwire_ingress::routers(config.ingress, Arc::clone(&intake), quarantine);
    let console = if config.console { hookwire_console::router() } else { Router::new() };
    let egress = hookwire_egress_sse::router(
        config.egress,
        Arc::clone(&log),
        intake,
        lateness.clone(),
        stop,
    );
    let guarded = egress
        .merge(admin)
        .merge(console)
        .merge(probes::metrics(recorder))
        .layer(only_this_machine);
    Ok(webhooks
        .layer(only_known_pages)
        .merge(probes::health(log, lateness))
        .merge(guarded)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed))
}

async fn not_found() -> Problem {
    let detail = "there is GET /events, /topics/{topic}/events, POST /webhooks/{source}, POST /ack, /healthz, \
                  /readyz, /metrics, and the console at /";
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}

async fn method_not_allowed() -> Problem {
    let detail = "this resource does not have this method; the Allow header lists what it has";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
