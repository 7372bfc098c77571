//! Who may follow and publish what.

mod answer;
mod evicted;
mod forged;
mod google;
mod matrix;
mod tickets;
mod tokens;
