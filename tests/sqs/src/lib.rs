//! SQS in memory for tests and developers, and a faulty network in front of it.
//!
//! Each server is a Node process that dies with its [`Server`]. It is no code of ours, so that tests on it prove
//! something about SQS; `corrections.mjs` lists where it is brought closer. What cannot be started or does not answer
//! within [`PATIENCE`] panics and shows what the server printed, since only tests could do anything else about it, and
//! they should not.

#![forbid(unsafe_code)]

mod call;
mod faults;
mod message;
mod process;
mod queue;
mod server;

use std::time::Duration;

pub use call::{CallError, Refusal};
pub use faults::{Fault, Faults};
pub use message::Message;
pub use queue::{Depth, Queue, Queues};
pub use server::Server;

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The region that every server is in.
pub const REGION: &str = "eu-west-1";
