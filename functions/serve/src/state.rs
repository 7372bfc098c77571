use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hookwire_redis::Redis;
use hookwire_state::{Cursors, Limiter, MemoryState, Revocations, Streams, Tickets};
use hookwire_state_redis::RedisState;

use crate::config::LogChoice;

/// What the instances share beside the log.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// Without it the process counts alone.
    pub(crate) limiter: Option<Arc<dyn Limiter>>,
    /// How long is waited for it.
    pub(crate) limiter_within: Duration,
    pub(crate) streams: Arc<dyn Streams>,
    pub(crate) cursors: Arc<dyn Cursors>,
    pub(crate) tickets: Arc<dyn Tickets>,
    pub(crate) revocations: Arc<dyn Revocations>,
}

/// Keeps it where the log is: in Redis, or in this process, and then what must outlive it beside the folder of the log.
pub(crate) fn open(
    log: &LogChoice,
    redis: Option<Arc<Redis>>,
    longest_token: Duration,
) -> anyhow::Result<State> {
    if let (Some(redis), LogChoice::Redis(config)) = (redis, log) {
        let shared = Arc::new(RedisState::new(redis, longest_token));
        // A push has the append to wait for, too.
        let within = config.redis.answer_within / 2;
        return Ok(State::of(Some(Arc::clone(&shared) as _), within, &shared));
    }
    let memory = match log {
        LogChoice::Fjall(config) => {
            let path = config.path.with_added_extension("revocations");
            let kept = MemoryState::with_revocations_in(&path);
            kept.with_context(|| format!("cannot read the revocations in {}", path.display()))?
        }
        LogChoice::Memory(_) | LogChoice::Redis(_) => MemoryState::default(),
    };
    Ok(State::of(None, Duration::ZERO, &Arc::new(memory)))
}

impl State {
    fn of<T>(limiter: Option<Arc<dyn Limiter>>, limiter_within: Duration, kept: &Arc<T>) -> Self
    where
        T: Streams + Cursors + Tickets + Revocations,
    {
        Self {
            limiter,
            limiter_within,
            streams: Arc::clone(kept) as _,
            cursors: Arc::clone(kept) as _,
            tickets: Arc::clone(kept) as _,
            revocations: Arc::clone(kept) as _,
        }
    }
}
