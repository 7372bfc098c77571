//! Redis as every adapter needs it: addresses, connections, calls through a breaker, scripts.
//!
//! A process has one [`Redis`] for each Redis that it uses, and all its adapters share it: one pool for each purpose, and
//! one breaker for each server. Nothing here knows what is kept there.

mod address;
mod calls;
mod config;
mod connection;
mod fault;
mod handle;
mod keys;
mod masters;
mod pool;
mod script;
mod server;
mod trouble;

/// The client library, in the version that the types here are of.
pub use deadpool_redis::redis;

pub use address::{InvalidAddress, RedisAddress};
pub use calls::{Call, Purpose};
pub use config::{HashSecret, RedisConfig};
pub use connection::Connection;
pub use fault::Fault;
pub use handle::{Redis, SetUpError};
pub use keys::Keys;
pub use script::Script;
pub use server::Certificates;
