use std::time::Duration;

use super::{CONNECTIONS, Round, publish};
use crate::contender::Contender;
use crate::cores::pin;
use crate::disk::{Scratch, synced_appends};
use crate::process::cpu_seconds;
use crate::scenario::RECORD_BYTES;
use crate::scenario::redis::xadd;
use crate::server::{Server, Site};

/// A part of what a relay does, and nothing else.
#[derive(Debug, Clone, Copy)]
pub enum Bare {
    /// Takes publishes and keeps them in a buffer.
    Epoll,
    /// The relay's HTTP: a stock axum that reads a body and answers.
    Axum,
    /// Appends to a file, as many to a sync as there are connections.
    Synced,
    /// Appends to a stream in Redis, as many in a pipeline as there are connections: from the core of Redis, where the
    /// relay is as well, or from another one.
    Xadd { own_core: bool },
    /// The same axum, which also waits for an `XADD`.
    AxumXadd,
}

impl Bare {
    pub fn round(self, site: &Site, time: Duration) -> anyhow::Result<Round> {
        match self {
            Self::Epoll => served(&Contender::BATCH.start(site)?, None, time),
            Self::Axum => served(&site.axum(None)?, None, time),
            Self::AxumXadd => {
                let redis = site.redis()?;
                served(&site.axum(Some(&redis.url))?, Some(redis.pid), time)
            }
            Self::Synced => {
                let folder = Scratch::new(&site.folder, "ingest")?;
                let before = cpu_seconds(std::process::id())?;
                let rate = synced_appends(folder.path(), CONNECTIONS, RECORD_BYTES, time)?;
                let cpu = cpu_seconds(std::process::id())? - before;
                let us = cpu * 1e6 / (rate * time.as_secs_f64());
                Ok(Round { per_second: rate, us, load_busy: cpu / time.as_secs_f64() })
            }
            Self::Xadd { own_core } => {
                let redis = site.redis()?;
                let before = (cpu_seconds(redis.pid)?, cpu_seconds(std::process::id())?);
                let appends = std::thread::scope(|scope| {
                    let appending = scope.spawn(|| {
                        if let (Some(cores), false) = (site.cores, own_core) {
                            pin(cores.server)?;
                        }
                        xadd(&redis.url, 1, CONNECTIONS, time)
                    });
                    appending.join().expect("it panics with its own words")
                })?;
                let took = appends.took.as_secs_f64();
                Ok(Round {
                    per_second: appends.events as f64 / took,
                    us: (cpu_seconds(redis.pid)? - before.0) * 1e6 / appends.events as f64,
                    load_busy: (cpu_seconds(std::process::id())? - before.1) / took,
                })
            }
        }
    }
}

fn served(server: &Server, redis: Option<u32>, time: Duration) -> anyhow::Result<Round> {
    let cpu = || {
        let redis = redis.map_or(Ok(0.0), cpu_seconds)?;
        anyhow::Ok((cpu_seconds(server.pid())? + redis, cpu_seconds(std::process::id())?))
    };
    let before = cpu()?;
    let published = publish(server, time)?;
    let after = cpu()?;
    Ok(Round {
        per_second: published.per_second(),
        us: (after.0 - before.0) * 1e6 / published.events as f64,
        load_busy: (after.1 - before.1) / published.took.as_secs_f64(),
    })
}
