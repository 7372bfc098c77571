//! Who may follow and publish what.

mod answer;
mod cookies;
mod evicted;
mod expiry;
mod forged;
mod google;
mod login;
mod matrix;
mod pages;
mod revoke;
mod secrets;
mod site;
mod tenants;
mod tickets;
mod tokens;

pub use site::Site;
