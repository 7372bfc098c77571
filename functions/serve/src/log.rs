use std::sync::{Arc, Weak};
use std::time::Duration;

use hookwire_log::{Clock, Log, MemoryLog, Quarantine};
use hookwire_log_fjall::FjallLog;
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use hookwire_redis::Redis;
use tracing::{info, warn};

use crate::config::LogChoice;

/// What events are kept in.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) quarantine: Arc<dyn Quarantine>,
    /// The Redis that they are kept in, for whatever else is kept there.
    pub(crate) redis: Option<Arc<Redis>>,
}

impl Kept {
    fn new(log: Arc<impl Log + Quarantine>, redis: Option<Arc<Redis>>) -> Self {
        Self { log: Arc::clone(&log) as _, quarantine: log, redis }
    }
}

/// Opens the chosen log; it keeps the quarantine too.
pub(crate) fn open(choice: &LogChoice) -> anyhow::Result<Kept> {
    match choice {
        LogChoice::Memory(retention) => {
            let log = Arc::new(MemoryLog::new(*retention, Clock::system()));
            sweep(Arc::downgrade(&log));
            info!("keeping events in memory; a restart forgets them");
            Ok(Kept::new(log, None))
        }
        LogChoice::Fjall(config) => {
            let log = Arc::new(FjallLog::open(config, Clock::system())?);
            log.sweep_every(config.sweep_every);
            info!(folder = %config.path.display(), "keeping events on disk");
            Ok(Kept::new(log, None))
        }
        LogChoice::Redis(config) => {
            let redis = Arc::new(Redis::new(&config.redis)?);
            let log = Arc::new(RedisLog::on(Arc::clone(&redis), config));
            log.listen();
            info!(namespace = config.redis.namespace, "keeping events in {}", config.redis.address);
            tokio::spawn(report(Arc::downgrade(&log), RedisLogConfig::clone(config)));
            Ok(Kept::new(log, Some(redis)))
        }
    }
}

/// Drops what expired from a log in memory, for as long as it is there.
fn sweep(log: Weak<MemoryLog>) {
    tokio::spawn(async move {
        while let Some(log) = log.upgrade() {
            log.sweep();
            drop(log);
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    });
}

/// Says what Redis is and what puts the log at risk there, as soon as it answers: a relay starts without it.
async fn report(log: Weak<RedisLog>, config: RedisLogConfig) {
    while let Some(log) = log.upgrade() {
        if let Ok(reports) = log.report().await {
            for report in reports {
                info!("{} is {report}", config.redis.address);
                for warning in report.faults.iter().chain(&report.warnings) {
                    warn!("{}: {warning}", config.redis.address);
                }
            }
            return;
        }
        drop(log);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
