//! Who may follow and publish what.

mod evicted;
mod tickets;
mod tokens;
