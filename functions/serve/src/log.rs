use std::sync::{Arc, Weak};
use std::time::Duration;

use hookwire_log::{Clock, Log, MemoryLog, Quarantine};
use hookwire_log_fjall::FjallLog;
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use tracing::{info, warn};

use crate::config::LogChoice;

/// Opens the chosen log; it keeps the quarantine too.
pub(crate) fn open(choice: &LogChoice) -> anyhow::Result<(Arc<dyn Log>, Arc<dyn Quarantine>)> {
    match choice {
        LogChoice::Memory(retention) => {
            let log = Arc::new(MemoryLog::new(*retention, Clock::system()));
            sweep(Arc::downgrade(&log));
            info!("keeping events in memory; a restart forgets them");
            Ok((Arc::clone(&log) as Arc<dyn Log>, log))
        }
        LogChoice::Fjall(config) => {
            let log = Arc::new(FjallLog::open(config, Clock::system())?);
            log.sweep_every(config.sweep_every);
            info!(folder = %config.path.display(), "keeping events on disk");
            Ok((Arc::clone(&log) as Arc<dyn Log>, log))
        }
        LogChoice::Redis(config) => {
            let log = Arc::new(RedisLog::new(config)?);
            log.listen();
            info!(namespace = config.redis.namespace, "keeping events in {}", config.redis.address);
            tokio::spawn(report(Arc::downgrade(&log), RedisLogConfig::clone(config)));
            Ok((Arc::clone(&log) as Arc<dyn Log>, log))
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
                for warning in &report.warnings {
                    warn!("{}: {warning}", config.redis.address);
                }
            }
            return;
        }
        drop(log);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
