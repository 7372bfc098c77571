//! The settings that the functions share: every key, and how a log in Redis and a queue are read from them.
//!
//! All functions know all keys, so that one set of variables configures them all.

mod keys;
mod log;
mod queue;
mod redis;
mod retention;
mod secrets;

pub use keys::{KEYS, SOURCE_KEYS};
pub use log::{LogAddress, shared_log};
pub use queue::{QueueSettings, queue};
pub use redis::{redis, redis_log};
pub use retention::retention;
pub use secrets::resolved;
