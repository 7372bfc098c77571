//! Limits hold on all relays together, tell when to come again, and cannot be talked away.

mod requests;
mod streams;
mod unproven;

use std::sync::Arc;

use hookwire_redis_server::Server;
use hookwire_tests::{Relay, RelayOptions};

/// Two relays over one Redis.
async fn two_relays(options: RelayOptions) -> (Server, [Arc<Relay>; 2]) {
    let redis = Server::start().await;
    let options = options.log(redis.url()).set("REDIS_TIMEOUT", "5s");
    let (one, two) = tokio::join!(options.clone().start(), options.start());
    (redis, [Arc::new(one), Arc::new(two)])
}
