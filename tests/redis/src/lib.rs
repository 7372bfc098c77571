//! Real Redis servers for tests, benchmarks and developers: one, a Sentinel trio or a cluster.
//!
//! Each server is a `redis-server` process in a folder of its own that dies with its [`Server`]. What cannot be
//! started or does not answer within [`PATIENCE`] panics and shows the server's log, since only tests could do
//! anything else about it, and they should not.

#![forbid(unsafe_code)]

mod certificates;
mod cluster;
mod options;
mod patience;
mod port;
mod process;
mod sentinel;
mod server;

pub use certificates::Certificates;
pub use cluster::{Cluster, ClusterOptions};
pub use options::ServerOptions;
pub use patience::PATIENCE;
pub use sentinel::{Sentinel, SentinelOptions};
pub use server::Server;
