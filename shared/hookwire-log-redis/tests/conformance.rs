//! What every log must do, on a real server and on a real cluster.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;

use async_trait::async_trait;
use hookwire_log::conformance::{Backend, TestClock, every_promise};
use hookwire_log::{Log, Quarantine, Retention};
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use hookwire_redis::RedisConfig;
use hookwire_redis_server::{Cluster, Server};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

#[derive(Debug)]
struct Redis {
    log: Arc<RedisLog>,
    _server: Option<Server>,
}

impl Redis {
    fn new(url: &str, namespace: &str, retention: Retention, clock: &TestClock) -> Self {
        let config = RedisLogConfig {
            clock: Some(clock.clock()),
            ..RedisLogConfig::new(url.parse().unwrap(), retention)
        };
        let config = RedisLogConfig {
            redis: RedisConfig { namespace: namespace.into(), ..config.redis },
            ..config
        };
        Self { log: Arc::new(RedisLog::new(&config).unwrap()), _server: None }
    }
}

#[async_trait]
impl Backend for Redis {
    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    fn quarantine(&self) -> Arc<dyn Quarantine> {
        Arc::clone(&self.log) as Arc<dyn Quarantine>
    }

    /// Every append and every read enforces the retention of its topic.
    async fn sweep(&self) {}
}

hookwire_log::conformance!(|retention: Retention, clock: &TestClock| {
    let server = block_in_place(|| Handle::current().block_on(Server::start()));
    let redis = Redis::new(&server.url(), "hookwire", retention, clock);
    Redis { _server: Some(server), ..redis }
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_keeps_every_promise() {
    let cluster = Cluster::start().await;
    let (url, count) = (cluster.url(), std::sync::atomic::AtomicUsize::new(0));
    every_promise(async |retention, clock: &TestClock| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Redis::new(&url, &format!("hookwire-{number}"), retention, clock)
    })
    .await;
}
