use std::time::Duration;

use async_trait::async_trait;
use hookwire_redis::redis;
use hookwire_state::{Cursors, Unavailable};

use crate::{RedisState, keys, millis};

/// How long a cursor is kept.
const KEPT: Duration = Duration::from_hours(24);

#[async_trait]
impl Cursors for RedisState {
    async fn put(&self, subject: &str, client: &str, cursor: &str) -> Result<(), Unavailable> {
        let key = keys::cursor(self.redis.keys(), subject, client);
        let mut put = redis::cmd("SET");
        put.arg(&key).arg(cursor).arg("PX").arg(millis(KEPT).to_string());
        self.ask(&put, &key).await
    }

    async fn get(&self, subject: &str, client: &str) -> Result<Option<String>, Unavailable> {
        let key = keys::cursor(self.redis.keys(), subject, client);
        let mut get = redis::cmd("GET");
        get.arg(&key);
        self.ask(&get, &key).await
    }
}
