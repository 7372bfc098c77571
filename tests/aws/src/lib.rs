//! Secrets Manager and SSM Parameter Store in memory, for tests.
//!
//! Each server is a Python process, [moto](https://docs.getmoto.org), that dies with its [`Server`]. It is no code of ours,
//! so that tests on it prove something about AWS. It takes any request until it is told to look at signatures and rights.
//! What cannot be started or does not answer within [`PATIENCE`] panics and shows what the server printed, since only tests
//! could do anything else about it, and they should not.

#![forbid(unsafe_code)]

mod call;
mod keys;
mod process;
mod server;

use std::time::Duration;

pub use keys::Keys;
pub use server::Server;

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The region that everything is in.
pub const REGION: &str = "eu-west-1";
