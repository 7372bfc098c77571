//! Who may follow and publish what.

mod evicted;
mod login;
mod pages;
mod site;
mod tickets;
mod tokens;
