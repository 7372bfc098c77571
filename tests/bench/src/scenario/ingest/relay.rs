use std::time::Duration;

use anyhow::ensure;

use super::{CONNECTIONS, Round};
use crate::backend::Backend;
use crate::process::cpu_seconds;
use crate::push::{Proof, topic};
use crate::scenario::BODY_BYTES;
use crate::server::{Server, Site};
use crate::template::Template;

/// What a relay is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Publish,
    /// A webhook that proves nothing.
    Push,
    /// A webhook with the token of Google's pusher.
    SignedPush,
}

#[derive(Debug, Clone, Copy)]
pub enum LogKind {
    Memory,
    Disk,
    Redis,
}

/// A relay over a log, what it is sent, and how many streams are open.
#[derive(Debug, Clone, Copy)]
pub struct Relayed {
    log: LogKind,
    kind: Kind,
    pub streams: usize,
}

impl Relayed {
    pub const fn new(log: LogKind, kind: Kind, streams: usize) -> Self {
        Self { log, kind, streams }
    }

    pub fn round(self, site: &Site, time: Duration) -> anyhow::Result<Round> {
        let log = match self.log {
            LogKind::Memory => Backend::Memory,
            LogKind::Disk => Backend::fjall(site)?,
            LogKind::Redis => Backend::redis(site)?,
        };
        let redis = match &log {
            Backend::Redis(redis) => Some(redis.pid),
            Backend::Memory | Backend::Fjall(_) => None,
        };
        let proof = if self.kind == Kind::SignedPush { Proof::Oidc } else { Proof::Nothing };
        let relay = proof.relay(site, &log.address())?;
        let mut load = relay.load()?;
        load.open(self.streams, topic)?;
        let topics = self.streams.max(1);
        load.spread_senders(relay.address, CONNECTIONS, topics, |sender| {
            self.requests(&relay, sender)
        })?;
        let cpu = || {
            let redis = redis.map_or(Ok(0.0), cpu_seconds)?;
            anyhow::Ok((cpu_seconds(relay.pid())? + redis, cpu_seconds(std::process::id())?))
        };
        let before = cpu()?;
        let published = load.publish_for(time, 1)?;
        let after = cpu()?;
        if self.streams > 0 {
            load.drain_each(&load.due(topics))?;
        } else {
            load.open(1, topic)?;
            let kept = load.positions().sum::<u64>();
            ensure!(
                kept == published.events,
                "{} were answered, {kept} are kept",
                published.events
            );
        }
        Ok(Round {
            per_second: published.per_second(),
            us: (after.0 - before.0) * 1e6 / published.events as f64,
            load_busy: (after.1 - before.1) / published.took.as_secs_f64(),
        })
    }

    fn requests(self, relay: &Server, sender: usize) -> anyhow::Result<Template> {
        let to = relay.address;
        match self.kind {
            Kind::Publish => {
                let topic = format!("pubsub%2F{}", Template::NUMBER);
                Ok(relay.dialect.publish(to, &topic, sender, BODY_BYTES))
            }
            Kind::Push => Proof::Nothing.pushes(to, sender),
            Kind::SignedPush => Proof::Oidc.pushes(to, sender),
        }
    }
}
