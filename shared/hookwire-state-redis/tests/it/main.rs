//! The state in real Redis servers: what every implementation must do, and what needs Redis itself.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod conformance;
mod cursors;
mod faults;
mod limiter;
mod lossy;
mod rights;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use hookwire_redis::{Redis, RedisConfig};
use hookwire_redis_server::PATIENCE;
use hookwire_state_redis::RedisState;

const LONGEST_TOKEN: Duration = Duration::from_hours(24);
/// How long a server that does not answer is left alone.
const OPEN_FOR: Duration = Duration::from_millis(500);

/// A handle as a process of its own would have it, with a pool and a breaker of its own.
fn state(url: &str) -> RedisState {
    let config = RedisConfig::new(url.parse().unwrap());
    state_on(&RedisConfig { open_for: OPEN_FOR, ..config })
}

/// Such a handle that waits for its answers, however busy the machine is.
fn patient_state(url: &str) -> RedisState {
    let config = RedisConfig::new(url.parse().unwrap());
    state_on(&RedisConfig { answer_within: PATIENCE, connect_within: PATIENCE, ..config })
}

fn state_on(config: &RedisConfig) -> RedisState {
    RedisState::new(Arc::new(Redis::new(config).unwrap()), LONGEST_TOKEN)
}
