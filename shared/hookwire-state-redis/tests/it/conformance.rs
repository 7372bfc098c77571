//! What every implementation must do, on a server and on a cluster.

use std::cell::Cell;

use hookwire_redis_server::{Cluster, Server};
use hookwire_state_redis::RedisState;

use crate::state;

thread_local! {
    /// The server of the test that runs on this thread, and ends with it.
    static SERVER: Cell<Option<Server>> = const { Cell::new(None) };
}

async fn on_a_server_of_its_own() -> RedisState {
    let server = Server::start().await;
    let state = state(&server.url());
    SERVER.set(Some(server));
    state
}

hookwire_state::conformance!(on_a_server_of_its_own().await);

#[tokio::test]
async fn a_cluster_keeps_every_promise() {
    let cluster = Cluster::start().await;
    hookwire_state::conformance::every_promise(&state(&cluster.url())).await;
}
