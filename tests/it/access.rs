//! Who may follow and publish what.

mod evicted;
mod pages;
mod site;
mod tickets;
mod tokens;
