use std::path::PathBuf;

use hookwire_boot::{FromSetting, Settings};
use hookwire_log_redis::RedisLogConfig;
use hookwire_queue::Durability;
use hookwire_redis::{InvalidAddress, RedisAddress};

use crate::{redis_log, retention};

/// The address of a log.
#[derive(Debug)]
pub enum LogAddress {
    /// A folder on disk.
    Fjall(PathBuf),
    /// Nowhere but in memory.
    Memory,
    /// A Redis.
    Redis(RedisAddress),
}

impl FromSetting for LogAddress {
    const EXPECTS: &'static str = "`fjall:FOLDER`, `memory:`, `redis://HOST`, `redis+sentinel://HOST,…/NAME` or \
                                   `redis+cluster://HOST,…`, with `rediss` over TLS";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("fjall", folder)) if !folder.is_empty() => Ok(Self::Fjall(folder.into())),
            Some(("fjall", _)) => Err("the folder is missing".into()),
            Some((scheme, _)) if scheme.starts_with("redis") => {
                text.parse().map(Self::Redis).map_err(|error: InvalidAddress| error.to_string())
            }
            _ => Err("no such log".into()),
        }
    }
}

/// Reads a log that several functions share, beside this queue if there is one; `None` only if a mistake was recorded.
pub fn shared_log(settings: &Settings, durability: Option<&Durability>) -> Option<RedisLogConfig> {
    let retention = retention(settings);
    match settings.value("log") {
        LogAddress::Redis(address) => Some(redis_log(settings, address, retention, durability)),
        LogAddress::Fjall(_) | LogAddress::Memory => {
            let right = "must be a Redis (`redis://…`), which all functions share";
            settings.mistake("log", right);
            None
        }
    }
}
