//! Who may follow and publish what.

mod answer;
mod cookies;
mod evicted;
mod expiry;
mod forged;
mod google;
mod matrix;
mod revoke;
mod secrets;
mod tenants;
mod tickets;
mod tokens;
