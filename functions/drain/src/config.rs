use anyhow::Context;
use hookwire_boot::{Origin, Settings, Warning};
use hookwire_log_redis::RedisLogConfig;
use hookwire_queue::DrainConfig;
use hookwire_queue_sqs::SqsConfig;
use hookwire_settings::{KEYS, TelemetrySettings};

/// What the function runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) log: RedisLogConfig,
    pub(crate) queue: SqsConfig,
    pub(crate) drain: DrainConfig,
    pub(crate) telemetry: TelemetrySettings,
    /// Namespace in CloudWatch of what is counted, if anything is.
    pub(crate) metrics: Option<String>,
}

/// Reads every setting once.
pub(crate) async fn load() -> anyhow::Result<(Config, Vec<Warning>)> {
    let origin = hookwire_settings::resolved(Origin::process(None)).await;
    let settings = Settings::load(&KEYS, &["sources"], origin);
    let durability = hookwire_settings::durability(&settings);
    let queue = hookwire_sqs_settings::sqs(&settings).zip(durability);
    let log = hookwire_settings::shared_log(&settings, durability.as_ref());
    if queue.is_none() {
        settings.mistake("queue", "must be the queue that this function is called for");
    }
    let telemetry = hookwire_settings::telemetry(&settings);
    let metrics = hookwire_settings::cloudwatch(&settings);
    let warnings = settings.finish()?;
    // Both have been told of as mistakes.
    let (log, (queue, durability)) = log.zip(queue).context("the log or the queue is missing")?;
    let drain = durability.drain(&log.retention);
    Ok((Config { log, queue, drain, telemetry, metrics }, warnings))
}
