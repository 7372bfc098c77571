use std::sync::Arc;
use std::time::Duration;

use hookwire_redis::{Redis, RedisConfig};
use hookwire_state::{Cursors, Limiter, MemoryState, Revocations, Streams, Tickets};
use hookwire_state_redis::RedisState;

/// What the instances share beside the log.
#[derive(Debug, Clone)]
pub struct State {
    /// Without it the process counts alone.
    pub limiter: Option<Arc<dyn Limiter>>,
    /// How long is waited for it.
    pub limiter_within: Duration,
    /// Streams of users.
    pub streams: Arc<dyn Streams>,
    /// Cursors that clients left.
    pub cursors: Arc<dyn Cursors>,
    /// Tickets that are spent.
    pub tickets: Arc<dyn Tickets>,
    /// Tokens that are revoked.
    pub revocations: Arc<dyn Revocations>,
}

impl State {
    /// In Redis, for all instances.
    pub fn shared(redis: Arc<Redis>, config: &RedisConfig, longest_token: Duration) -> Self {
        let shared = Arc::new(RedisState::new(redis, longest_token));
        // A push has the append to wait for, too.
        let within = config.answer_within / 2;
        Self::of(Some(Arc::clone(&shared) as _), within, &shared)
    }

    /// In this process alone.
    pub fn alone(memory: MemoryState) -> Self {
        Self::of(None, Duration::ZERO, &Arc::new(memory))
    }

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
