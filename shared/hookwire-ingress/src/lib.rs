//! Webhooks in: limit, verify, parse, append.
//!
//! A 2xx means that the event is in the log or in the queue beside it, or was there already, or that it can never be one
//! and is kept in the quarantine. Whatever else happens the sender keeps it: Google takes every other status for a nack
//! and sends again.

mod admin;
mod admission;
mod content;
mod envelope;
mod facts;
mod google_push;
mod handshake;
mod id_from;
mod junk;
mod limit;
pub mod oidc;
mod proof_header;
mod proven;
mod pushes;
mod receive;
mod reject;
mod scalar;
mod shared_secret;
mod source;
pub mod sources;
mod template;
mod unproven;
mod unproven_bodies;
mod unusable;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use hookwire_http::{Problem, TrustedHops};
use hookwire_jwks::Jwks;
use hookwire_log::Quarantine;
use hookwire_queue::Intake;
use tokio::sync::Semaphore;

use crate::junk::Junk;
pub use crate::limit::IngressLimits;
use crate::pushes::Pushes;
pub use crate::shared_secret::{Algorithm, SharedSecret};
pub use crate::source::{Notification, Proof, Source, SourceConfig, WrongFormat};
pub use crate::template::{Field, InvalidTemplate, Template};
pub use crate::unproven::Unproven;
use crate::unproven_bodies::UnprovenBodies;
pub use crate::unusable::Unusable;

/// How webhooks are taken in.
#[derive(Debug)]
pub struct IngressConfig {
    /// Who pushes.
    pub sources: Vec<SourceConfig>,
    /// Largest body.
    pub max_body_bytes: usize,
    /// Proxies in front that are trusted to tell the client's address.
    pub trusted_hops: TrustedHops,
}

impl IngressConfig {
    /// Longest time until a push is answered. Google waits 10 s by default.
    const ANSWER_WITHIN: Duration = Duration::from_secs(5);
    /// Longest time until a body is there, which leaves the append some of the time for the answer.
    const BODY_WITHIN: Duration = Duration::from_secs(4);
    /// Most pushes worked on at once; more could only wait. Bodies that hold the proof are read before that, in places of
    /// their own.
    const AT_ONCE: usize = 1_024;

    /// The published keys that pushes are verified with, each set once.
    pub fn keys(&self) -> impl Iterator<Item = Arc<Jwks>> {
        let mut keys: Vec<&Arc<Jwks>> = Vec::new();
        for found in self.sources.iter().filter_map(|source| source.kind.keys()) {
            if !keys.iter().any(|known| Arc::ptr_eq(known, found)) {
                keys.push(found);
            }
        }
        keys.into_iter().map(Arc::clone).collect::<Vec<_>>().into_iter()
    }
}

/// What the handlers share.
#[derive(Debug)]
struct Ingress {
    sources: Vec<(Arc<SourceConfig>, Pushes)>,
    junk: Junk,
    max_body_bytes: usize,
    trusted_hops: TrustedHops,
    limits: IngressLimits,
    at_once: Semaphore,
    unproven_bodies: UnprovenBodies,
    intake: Arc<Intake>,
    quarantine: Arc<dyn Quarantine>,
}

/// The routes of webhooks, and those of the quarantine below `/admin`, which the caller guards.
pub fn routers(
    config: IngressConfig,
    limits: IngressLimits,
    intake: Arc<Intake>,
    quarantine: Arc<dyn Quarantine>,
) -> (Router, Router) {
    let ingress = Arc::new(Ingress {
        junk: Junk::of(config.sources.iter().map(|source| source.name.as_str())),
        sources: config.sources.into_iter().map(known).collect(),
        max_body_bytes: config.max_body_bytes,
        trusted_hops: config.trusted_hops,
        limits,
        at_once: Semaphore::new(IngressConfig::AT_ONCE),
        unproven_bodies: UnprovenBodies::new(),
        intake,
        quarantine,
    });
    let mut webhooks = Router::new();
    for (index, (source, _)) in ingress.sources.iter().enumerate() {
        let mut handler = post(receive::post_push).fallback(only_post);
        if source.kind.has_handshake() {
            handler = handler.options(handshake::answer);
        }
        let handler = handler.with_state((Arc::clone(&ingress), receive::SourceIndex(index)));
        webhooks = webhooks.route(&source.path, handler);
    }
    let webhooks = webhooks.route("/webhooks/{source}", axum::routing::any(unknown_source));
    let admin = Router::new()
        .route("/admin/quarantine", get(admin::list))
        .route("/admin/quarantine/{id}", get(admin::show).delete(admin::remove))
        .route("/admin/quarantine/{id}/retry", post(admin::retry))
        .with_state(ingress);
    (webhooks, admin)
}

fn known(source: SourceConfig) -> (Arc<SourceConfig>, Pushes) {
    let pushes = Pushes::of(&source.name);
    (Arc::new(source), pushes)
}

async fn only_post() -> Problem {
    let detail = "a webhook is pushed with POST";
    Problem::new(http::StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail).allow("POST")
}

async fn unknown_source() -> Problem {
    let detail = "no source has this path; sources are configured in hookwire.toml";
    Problem::new(http::StatusCode::NOT_FOUND, "unknown-source", detail)
}
