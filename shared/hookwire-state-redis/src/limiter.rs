use std::time::Duration;

use async_trait::async_trait;
use hookwire_state::{Limiter, Quota, Unavailable, Verdict};

use crate::{LONGEST, RedisState, keys};

#[async_trait]
impl Limiter for RedisState {
    async fn take(&self, scope: &str, key: &str, quota: Quota) -> Result<Verdict, Unavailable> {
        let key = keys::limit(self.redis.keys(), scope, key);
        // Rounded up: whole microseconds, and never more than the quota.
        let interval_us = quota.interval().as_nanos().div_ceil(1_000).max(1);
        let burst = u128::from(quota.burst.get()).min(LONGEST.as_micros() / interval_us).max(1);
        let arguments = [interval_us, burst].map(|number| number.to_string());
        let arguments = arguments.each_ref().map(|argument| argument.as_bytes());
        let (retry_us, remaining, reset_us): (u64, u32, u64) =
            self.run(&self.scripts.take, &key, &arguments).await?;
        Ok(Verdict {
            retry_after: Duration::from_micros(retry_us),
            remaining,
            reset_after: Duration::from_micros(reset_us),
        })
    }
}
