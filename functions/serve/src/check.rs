use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use hookwire_log_redis::{RedisConfig, RedisLog};

use crate::config::{LogChoice, load};

/// `hookwire check`: says everything that is wrong with the settings, or that nothing is, and asks Redis if it is used.
pub(crate) async fn check(path: Option<PathBuf>) -> anyhow::Result<()> {
    let (config, warnings) = load(path)?;
    for warning in warnings {
        say(&format!("warning: {warning}"))?;
    }
    say(&format!("the settings are good; listening on {}", config.listen))?;
    for source in &config.ingress.sources {
        let verified = if source.verifier.is_some() { "verified" } else { "not verified" };
        say(&format!("source {} at {} ({verified})", source.name, source.path))?;
    }
    match &config.log {
        LogChoice::Redis(config) => probe(config).await,
        LogChoice::Fjall(_) | LogChoice::Memory(_) => Ok(()),
    }
}

async fn probe(config: &RedisConfig) -> anyhow::Result<()> {
    let log = RedisLog::new(config)?;
    let reports = log.report().await;
    let reports = reports.with_context(|| format!("{} does not answer", config.address))?;
    for report in reports {
        say(&format!("{} is {report}", config.address))?;
        for warning in &report.warnings {
            say(&format!("warning: {warning}"))?;
        }
    }
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
