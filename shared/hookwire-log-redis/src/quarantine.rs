use async_trait::async_trait;
use bytes::Bytes;
use hookwire_log::{BoxError, Quarantine, Quarantined};
use hookwire_redis::redis::{self, FromRedisValue, Value};
use hookwire_redis::{Call, Purpose};
use serde::{Deserialize, Serialize};

use crate::{RedisLog, keys};

/// Most notifications kept.
const NOTIFICATIONS: &[u8] = b"1000";
/// Most bytes of their bodies.
const BYTES: &[u8] = b"67108864";
/// How long the quarantine is kept after the last notification that was put in: 30 days, in milliseconds.
const KEPT_MS: &[u8] = b"2592000000";

/// What is stored beside the body, whose number is the entry's.
#[derive(Serialize, Deserialize)]
struct Record {
    source: String,
    reason: String,
    received_at_ms: u64,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[async_trait]
impl Quarantine for RedisLog {
    async fn put(&self, notification: Quarantined) -> Result<u64, BoxError> {
        let Quarantined { source, reason, received_at_ms, headers, body, .. } = notification;
        let size_bytes = body.len().to_string();
        let record = Record { source, reason, received_at_ms, headers, body: body.into() };
        let record = postcard::to_allocvec(&record)?;
        let arguments = [NOTIFICATIONS, BYTES, KEPT_MS, size_bytes.as_bytes(), &record];
        let keys = keys::quarantine(self.shared.redis.keys());
        let keys = keys.each_ref().map(String::as_str);
        let call = Call::Script(&self.put, &keys, &arguments);
        let put = self.shared.redis.call(Purpose::Append, call).await?;
        let (number, dropped) = <(u64, u64)>::from_redis_value(put)?;
        if dropped > 0
            && let Some(times) = self.dropped.again()
        {
            tracing::warn!(
                dropped,
                times,
                "the quarantine is full, its oldest notifications are dropped"
            );
        }
        Ok(number)
    }

    async fn list(&self, limit: usize) -> Result<Vec<Quarantined>, BoxError> {
        self.entries("XREVRANGE", &["+", "-", "COUNT", &limit.to_string()]).await
    }

    async fn get(&self, id: u64) -> Result<Option<Quarantined>, BoxError> {
        let id = format!("{id}-1");
        Ok(self.entries("XRANGE", &[&id, &id]).await?.pop())
    }

    async fn remove(&self, id: u64) -> Result<(), BoxError> {
        let keys = keys::quarantine(self.shared.redis.keys());
        let keys = keys.each_ref().map(String::as_str);
        let id = id.to_string();
        let arguments = [id.as_bytes()];
        let call = Call::Script(&self.remove, &keys, &arguments);
        self.shared.redis.call(Purpose::Append, call).await?;
        Ok(())
    }
}

impl RedisLog {
    /// Reads a range of the quarantine; `range` is what stands behind the key.
    async fn entries(&self, command: &str, range: &[&str]) -> Result<Vec<Quarantined>, BoxError> {
        let [entries, _] = keys::quarantine(self.shared.redis.keys());
        let mut command = redis::cmd(command);
        command.arg(&entries).arg(range);
        let found =
            self.shared.redis.call(Purpose::Read, Call::Command(&command, Some(&entries))).await?;
        let found = Vec::<(String, Vec<Value>)>::from_redis_value(found)?;
        Ok(found.into_iter().filter_map(|(id, fields)| notification(&id, fields)).collect())
    }
}

/// Reads an entry: its number is the first part of its id, its fields are the body's size and the record.
fn notification(id: &str, fields: Vec<Value>) -> Option<Quarantined> {
    let id = id.split_once('-')?.0.parse().ok()?;
    let Some(Value::BulkString(record)) = fields.into_iter().nth(3) else { return None };
    let Record { source, reason, received_at_ms, headers, body } =
        postcard::from_bytes(&record).ok()?;
    Some(Quarantined { id, source, reason, received_at_ms, headers, body: Bytes::from(body) })
}
