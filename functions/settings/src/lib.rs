//! The settings that the functions share: every key, and how a log in Redis, a queue and telemetry are read from them.
//!
//! All functions know all keys, so that one set of variables configures them all.

mod durability;
mod keys;
mod log;
mod metrics;
mod redis;
mod retention;
mod secrets;
mod telemetry;

pub use durability::durability;
pub use keys::{KEYS, SOURCE_KEYS};
pub use log::{LogAddress, shared_log};
pub use metrics::cloudwatch;
pub use redis::{redis, redis_log};
pub use retention::retention;
pub use secrets::resolved;
pub use telemetry::{TelemetrySettings, telemetry};
