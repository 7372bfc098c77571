//! What the relay promises, each promise a sentence, spoken over HTTP to a real process.

mod access;
mod browser;
mod clients;
mod connections;
mod console;
mod deploy;
mod follow;
mod gap;
mod hostile;
mod kill;
mod lambda;
mod limits;
mod log;
mod push;
mod quarantine;
mod queue;
mod race;
mod redis;
mod secrets;
mod sentry;
mod shutdown;
mod slow;
mod smoke;
mod sources;
mod terminal;
mod verification;
