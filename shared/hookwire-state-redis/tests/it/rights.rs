//! What a user of Redis must be allowed to do.

use std::num::NonZeroU32;

use hookwire_redis_server::Server;
use hookwire_state::{Limiter, Quota};

use crate::state;

/// The command of the README that makes a user with just the rights that a relay needs.
fn documented_user() -> Vec<&'static str> {
    let readme = include_str!("../../../../README.md");
    let line = readme.lines().find(|line| line.trim().starts_with("ACL SETUSER relay "));
    line.unwrap().split_whitespace().collect()
}

#[tokio::test]
async fn the_documented_user_may_do_everything_that_is_done_here() {
    let server = Server::start().await;
    server.query(&documented_user()).await;
    let state = state(&server.url().replace("redis://", "redis://relay:PASSWORD@"));
    hookwire_state::conformance::every_promise(&state).await;
    let verdict = state.take("connects", "alice", Quota::per_minute(NonZeroU32::MIN)).await;
    assert!(verdict.is_ok_and(|verdict| verdict.is_allowed()));
    let log = server.query(&["ACL", "LOG"]).await;
    assert!(matches!(&log, hookwire_redis::redis::Value::Array(log) if log.is_empty()), "{log:?}");
}
