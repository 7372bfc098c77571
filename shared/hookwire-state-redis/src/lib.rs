//! What the instances of a relay share beside the log, in Redis, standalone, behind Sentinel, or a cluster.
//!
//! Each call is one command or one Lua call on the keys of one slot, so it happens whole or not at all, by the clock of the
//! server. It goes through the same pool and breaker as what the log asks of that Redis, and a server that does not answer
//! costs at most one time-out: whoever asks can decide alone meanwhile.
//!
//! What Redis loses when it is restarted or replaced is made anew where that is possible: limits begin with a whole burst,
//! leases come back with their next renewal, and whoever had read a revocation that is gone reads all of them again. A
//! ticket that was spent in the last moment may be spent again.

mod cursors;
mod keys;
mod limiter;
mod revocations;
mod script;
mod streams;
mod tickets;

use std::sync::Arc;
use std::time::Duration;

use hookwire_redis::redis::{Cmd, FromRedisValue};
use hookwire_redis::{Call, Purpose, Redis, Script};
use hookwire_state::Unavailable;

use crate::script::Scripts;

/// What the instances share, in one Redis.
#[derive(Debug)]
pub struct RedisState {
    redis: Arc<Redis>,
    longest_token: Duration,
    scripts: Scripts,
}

/// Longest time that is told to Redis, a hundred years: with the time since 1970 it is a number of microseconds that Lua
/// computes with exactly.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

impl RedisState {
    /// Sets it up on a Redis that other adapters may use too. Revocations are kept for as long as the `longest_token` may
    /// live.
    #[must_use]
    pub fn new(redis: Arc<Redis>, longest_token: Duration) -> Self {
        Self { redis, longest_token, scripts: Scripts::default() }
    }

    /// Runs a script, which must be harmless when it runs twice: an answer may be lost.
    async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        arguments: &[&[u8]],
    ) -> Result<T, Unavailable> {
        self.call(Call::Script(script, &[key], arguments)).await
    }

    /// Sends a command, which must be as harmless.
    async fn ask<T: FromRedisValue>(&self, command: &Cmd, key: &str) -> Result<T, Unavailable> {
        self.call(Call::Command(command, Some(key))).await
    }

    async fn call<T: FromRedisValue>(&self, call: Call<'_>) -> Result<T, Unavailable> {
        let answer = self.redis.call(Purpose::State, call).await;
        let answer = answer.map_err(|fault| Unavailable(fault.into()))?;
        T::from_redis_value(answer).map_err(|error| Unavailable(error.into()))
    }
}

fn micros(duration: Duration) -> u128 {
    duration.min(LONGEST).as_micros().max(1)
}

fn millis(duration: Duration) -> u128 {
    duration.min(LONGEST).as_millis().max(1)
}
