use async_trait::async_trait;
use hookwire_state::{CURSOR_KEPT, Cursors, MOST_CLIENTS, Unavailable};

use crate::{RedisState, keys, millis};

#[async_trait]
impl Cursors for RedisState {
    async fn put(&self, subject: &str, client: &str, cursor: &str) -> Result<(), Unavailable> {
        let key = keys::cursors(self.redis.keys(), subject);
        let client = keys::client(self.redis.keys(), client);
        let (kept_ms, most) = (millis(CURSOR_KEPT).to_string(), MOST_CLIENTS.to_string());
        let arguments = [&client, &kept_ms, cursor, &most].map(str::as_bytes);
        self.run(&self.scripts.leave, &key, &arguments).await
    }

    async fn get(&self, subject: &str, client: &str) -> Result<Option<String>, Unavailable> {
        let key = keys::cursors(self.redis.keys(), subject);
        let client = keys::client(self.redis.keys(), client);
        let kept_ms = millis(CURSOR_KEPT).to_string();
        self.run(&self.scripts.left, &key, &[client.as_bytes(), kept_ms.as_bytes()]).await
    }
}
