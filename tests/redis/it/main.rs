//! What tests that stand on these servers rely on.

mod cluster;
mod sentinel;
mod server;
