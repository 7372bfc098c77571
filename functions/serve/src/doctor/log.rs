use super::{Finding, disk, redis};
use crate::config::{Config, LogChoice};

/// Whether the log answers, and what puts it at risk: what is worth knowing before a start.
pub(crate) async fn log(config: &Config) -> Vec<Finding> {
    match &config.log {
        LogChoice::Redis(config) => redis::reached(config).await,
        LogChoice::Fjall(_) | LogChoice::Memory(_) => Vec::new(),
    }
}

/// All about the log.
pub(super) async fn examined(config: &Config) -> Vec<Finding> {
    match &config.log {
        LogChoice::Redis(config) => redis::examined(config).await,
        LogChoice::Fjall(log) => disk::disk(log.path.clone(), config.listen).await,
        LogChoice::Memory(_) => Vec::new(),
    }
}
