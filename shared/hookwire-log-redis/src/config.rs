use hookwire_log::{Clock, Retention};
use hookwire_redis::{RedisAddress, RedisConfig};

/// How a log is kept in Redis.
#[derive(Debug, Clone)]
pub struct RedisLogConfig {
    /// How Redis is reached.
    pub redis: RedisConfig,
    /// How long events are kept and ids remembered.
    pub retention: Retention,
    /// Whether readers are told of a change of the server as of a possible loss; not needed where lost events come back.
    pub tell_server_change: bool,
    /// Time of appends; without it the server's own, which is the same for every process.
    pub clock: Option<Clock>,
}

impl RedisLogConfig {
    /// Everything but the address as it is by default.
    #[must_use]
    pub fn new(address: RedisAddress, retention: Retention) -> Self {
        Self { redis: RedisConfig::new(address), retention, tell_server_change: true, clock: None }
    }
}
