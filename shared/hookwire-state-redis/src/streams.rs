use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use hookwire_redis::redis;
use hookwire_state::{InstanceId, Lease, Opened, Over, StreamId, Streams, Unavailable};

use crate::{RedisState, keys, micros, millis};

/// Most streams that are taken out of a mailbox at once; the next look takes the others.
const AT_ONCE: usize = 1_000;
/// Subjects whose leases are renewed at once: about as many as there are connections.
const CONCURRENT: usize = 12;
/// How many leases long a mailbox is kept that nobody empties.
const KEPT_LEASES: u32 = 4;

#[async_trait]
impl Streams for RedisState {
    async fn open(
        &self,
        subject: &str,
        stream: StreamId,
        most: u32,
        over: Over,
        lease: Duration,
    ) -> Result<Opened, Unavailable> {
        let key = keys::streams(self.redis.keys(), subject);
        let over = match over {
            Over::EvictOldest => "evict",
            Over::RefuseNewest => "refuse",
        };
        let arguments =
            [most.to_string(), micros(lease).to_string(), stream.to_string(), over.to_owned()];
        let arguments = arguments.each_ref().map(|argument| argument.as_bytes());
        let (is_admitted, time_us, evicted): (bool, u64, Vec<String>) =
            self.run(&self.scripts.open, &key, &arguments).await?;
        if !is_admitted {
            return Ok(Opened::Full { retry_after: Duration::from_micros(time_us) });
        }
        let evicted = evicted.iter().filter_map(|id| StreamId::parse(id));
        let (own, others): (Vec<_>, Vec<_>) =
            evicted.partition(|one| one.instance == stream.instance);
        self.tell(&others, lease).await;
        Ok(Opened::Admitted { since_us: time_us, evicted: own })
    }

    async fn renew(
        &self,
        leases: &[Lease],
        most: u32,
        lease: Duration,
    ) -> Result<Vec<StreamId>, Unavailable> {
        let mut by_subject: HashMap<&str, Vec<String>> = HashMap::new();
        for Lease { subject, stream, since_us } in leases {
            let of_subject = by_subject.entry(subject).or_default();
            of_subject.extend([stream.to_string(), since_us.to_string()]);
        }
        let common = [most.to_string(), micros(lease).to_string()];
        let calls: Vec<_> = by_subject
            .into_iter()
            .map(|(subject, leases)| {
                let key = keys::streams(self.redis.keys(), subject);
                self.renew_of_subject(key, [common.to_vec(), leases].concat())
            })
            .collect();
        let answers: Vec<_> = stream::iter(calls).buffer_unordered(CONCURRENT).collect().await;
        // In a cluster the loss of one master must not keep the others' streams from being told. What was not renewed is
        // renewed or made anew the next time.
        let (mut gone, mut answered, mut failed) = (Vec::new(), false, None);
        for answer in answers {
            match answer {
                Ok(streams) => {
                    answered = true;
                    gone.extend(streams);
                }
                Err(unavailable) => failed = Some(unavailable),
            }
        }
        match failed {
            Some(unavailable) if !answered => Err(unavailable),
            _ => Ok(gone),
        }
    }

    async fn close(&self, subject: &str, stream: StreamId) -> Result<(), Unavailable> {
        let key = keys::streams(self.redis.keys(), subject);
        let mut remove = redis::cmd("HDEL");
        remove.arg(&key).arg(stream.to_string());
        self.ask(&remove, &key).await
    }

    async fn evicted(&self, instance: InstanceId) -> Result<Vec<StreamId>, Unavailable> {
        let key = keys::mailbox(self.redis.keys(), instance);
        let mut take = redis::cmd("LPOP");
        take.arg(&key).arg(AT_ONCE);
        let evicted: Option<Vec<String>> = self.ask(&take, &key).await?;
        Ok(evicted.unwrap_or_default().iter().filter_map(|id| StreamId::parse(id)).collect())
    }
}

impl RedisState {
    /// Puts streams into the mailboxes of the instances that serve them. Those have keys in other slots than the leases,
    /// and so calls of their own; whoever is not told finds out by its next renewal.
    async fn tell(&self, evicted: &[StreamId], lease: Duration) {
        let mut by_instance: BTreeMap<InstanceId, Vec<String>> = BTreeMap::new();
        for stream in evicted {
            by_instance.entry(stream.instance).or_default().push(stream.to_string());
        }
        let life_ms = millis(lease.saturating_mul(KEPT_LEASES)).to_string();
        for (instance, streams) in by_instance {
            let key = keys::mailbox(self.redis.keys(), instance);
            let mut arguments = vec![life_ms.as_bytes()];
            arguments.extend(streams.iter().map(String::as_bytes));
            drop(self.run::<()>(&self.scripts.post, &key, &arguments).await);
        }
    }

    async fn renew_of_subject(
        &self,
        key: String,
        arguments: Vec<String>,
    ) -> Result<Vec<StreamId>, Unavailable> {
        let arguments: Vec<&[u8]> = arguments.iter().map(String::as_bytes).collect();
        let gone: Vec<String> = self.run(&self.scripts.renew, &key, &arguments).await?;
        Ok(gone.iter().filter_map(|id| StreamId::parse(id)).collect())
    }
}
