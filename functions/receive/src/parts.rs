use std::sync::Arc;

use anyhow::Context;
use hookwire_access::{Access, Origins};
use hookwire_edges::{Limits, Readiness, State, Words, open_access};
use hookwire_egress_sse::ApiConfig;
use hookwire_ingress::{IngressConfig, IngressLimits};
use hookwire_log::{Lateness, Log, Quarantine};
use hookwire_log_redis::RedisLog;
use hookwire_queue::Intake;
use hookwire_queue_sqs::SqsQueue;
use hookwire_redis::Redis;

use crate::config::Config;

/// What requests are served from. Nothing is connected before it is needed.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) ingress: IngressConfig,
    pub(crate) api: ApiConfig,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) readiness: Readiness,
    pub(crate) quarantine: Arc<dyn Quarantine>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) state: State,
    pub(crate) access: Arc<Access>,
    pub(crate) limits: IngressLimits,
}

impl Parts {
    pub(crate) fn open(config: Config) -> anyhow::Result<Self> {
        let redis = Redis::new(&config.log.redis).context("cannot set Redis up")?;
        let redis = Arc::new(redis);
        let log = Arc::new(RedisLog::on(Arc::clone(&redis), &config.log));
        let (log, quarantine) = (Arc::clone(&log) as Arc<dyn Log>, log as Arc<dyn Quarantine>);
        let longest_token = config.access.streams.longest_token;
        let state = State::shared(redis, &config.log.redis, longest_token);
        let origins = Origins::new(hookwire_edges::texts(&config.api.cors_origins));
        let hops = config.ingress.trusted_hops;
        let keys = config.ingress.keys().chain(config.access.jwks.clone()).collect();
        let readiness = Readiness::new(Arc::clone(&log), Lateness::default()).with_keys(keys);
        let (access, limits) = open_access(config.access, origins, hops, &state);
        let Limits { clients, sources, events, bypass } = limits;
        let limits = IngressLimits { clients, sources, events, bypass };
        let intake = Intake::new(Arc::clone(&log), Arc::clone(&quarantine));
        let (intake, readiness) = match config.queue {
            None => (intake, readiness),
            Some((sqs, durability)) => {
                let queue = Arc::new(SqsQueue::new(sqs));
                let asked = Arc::clone(&queue);
                let left_alone = move || asked.is_left_alone();
                (
                    intake.with_queue(queue, durability, Lateness::default()).leaving_nothing(),
                    readiness.degraded_while(Words::QUEUE_UNREACHABLE, left_alone),
                )
            }
        };
        let (ingress, api, intake) = (config.ingress, config.api, Arc::new(intake));
        Ok(Self { ingress, api, log, readiness, quarantine, intake, state, access, limits })
    }
}
