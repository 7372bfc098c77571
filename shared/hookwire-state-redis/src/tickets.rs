use std::time::Duration;

use async_trait::async_trait;
use hookwire_state::{Tickets, Unavailable};

use crate::{RedisState, keys, millis};

#[async_trait]
impl Tickets for RedisState {
    async fn spend(&self, ticket: &str, valid_for: Duration) -> Result<bool, Unavailable> {
        let key = keys::ticket(self.redis.keys(), ticket);
        let (call, life_ms) = (fastrand::u128(..).to_string(), millis(valid_for).to_string());
        self.run(&self.scripts.spend, &key, &[call.as_bytes(), life_ms.as_bytes()]).await
    }
}
