use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use hookwire_edges::texts;
use hookwire_ingress::Proof;
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use hookwire_queue_sqs::SqsQueue;
use hookwire_settings::QueueSettings;

use crate::config::{Config, LogChoice, load};

/// `hookwire check`: says everything that is wrong with the settings, or that nothing is, and asks Redis and
/// the queue if they are used.
pub(crate) async fn check(path: Option<PathBuf>) -> anyhow::Result<()> {
    let (config, warnings) = load(path).await?;
    for warning in warnings {
        say(&format!("warning: {warning}"))?;
    }
    say(&format!("the settings are good; listening on {}", config.listen))?;
    for source in &config.ingress.sources {
        let verified = match source.kind.proof() {
            Proof::Nothing => "not verified",
            Proof::Headers | Proof::Body => "verified",
        };
        say(&format!("source {} at {} ({verified})", source.name, source.path))?;
        if source.kind.proof() == Proof::Nothing && !config.listen.ip().is_loopback() {
            say(&format!(
                "warning: anybody who reaches {} can push to {}",
                config.listen, source.name
            ))?;
        }
    }
    say_access(&config)?;
    match &config.log {
        LogChoice::Redis(config) => probe_redis(config).await?,
        LogChoice::Fjall(_) | LogChoice::Memory(_) => {}
    }
    match &config.queue {
        Some(settings) => probe_queue(settings, config.ingress.max_body_bytes).await,
        None => Ok(()),
    }
}

fn say_access(config: &Config) -> anyhow::Result<()> {
    let access = &config.access;
    if access.keys.is_empty() {
        return say(
            "keys: none, so it is open to this machine only; `jwt_secret` or `jwks` let others in",
        );
    }
    say(&format!("keys: {}", access.keys.join(", ")))?;
    for doubt in &access.doubts {
        say(&format!("warning: {doubt}"))?;
    }
    let in_the_clear = |origin: &&String| {
        let host = origin
            .strip_prefix("http://")
            .map(|host| host.rsplit_once(':').map_or(host, |(host, _port)| host));
        host.is_some_and(|host| !matches!(host, "localhost" | "127.0.0.1" | "[::1]"))
    };
    for origin in texts(&config.egress.cors_origins).iter().filter(in_the_clear) {
        say(&format!(
            "warning: pages of {origin} reach their readers in the clear, and whoever changes them on the way can use \
             the cookies of those who read them"
        ))?;
    }
    Ok(())
}

async fn probe_queue(settings: &QueueSettings, max_body_bytes: usize) -> anyhow::Result<()> {
    let queue = SqsQueue::new(settings.sqs.clone());
    let report = queue.report().await.map_err(anyhow::Error::from_boxed);
    let report = report.with_context(|| format!("{} does not answer", settings.sqs.queue_url))?;
    say(&report.to_string())?;
    for warning in &report.warnings {
        say(&format!("warning: {warning}"))?;
    }
    if max_body_bytes > LARGEST_MESSAGE {
        say(
            "warning: events that are still larger than 1 MiB when compressed do not fit into the queue, and \
             `max_body` allows them",
        )?;
    }
    Ok(())
}

/// What a queue takes at most.
const LARGEST_MESSAGE: usize = 1024 * 1024;

async fn probe_redis(config: &RedisLogConfig) -> anyhow::Result<()> {
    let log = RedisLog::new(config)?;
    let reports = log.report().await;
    let reports = reports.with_context(|| format!("{} does not answer", config.redis.address))?;
    for report in reports {
        say(&format!("{} is {report}", config.redis.address))?;
        for warning in &report.warnings {
            say(&format!("warning: {warning}"))?;
        }
    }
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
