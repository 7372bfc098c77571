use anyhow::Context;
use hookwire_boot::{Origin, Settings, Warning};
use hookwire_edges::AccessSettings;
use hookwire_egress_sse::ApiConfig;
use hookwire_http::TrustedHops;
use hookwire_ingress::IngressConfig;
use hookwire_log_redis::RedisLogConfig;
use hookwire_queue::Durability;
use hookwire_queue_sqs::SqsConfig;
use hookwire_settings::{KEYS, TelemetrySettings};
use hookwire_sources::ReachedBy;

/// What the function runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) log: RedisLogConfig,
    pub(crate) queue: Option<(SqsConfig, Durability)>,
    pub(crate) ingress: IngressConfig,
    pub(crate) api: ApiConfig,
    pub(crate) access: AccessSettings,
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
    let access = hookwire_edges::keyed_access(&settings);
    let max_body_bytes = hookwire_edges::max_body_bytes(&settings);
    let ingress = IngressConfig {
        sources: hookwire_sources::read(&settings, ReachedBy::Anybody),
        max_body_bytes,
        trusted_hops: TrustedHops(settings.value_in("trusted_hops", 0..=16)),
    };
    let cors_origins = hookwire_edges::cors_origins(&settings);
    let api = ApiConfig { max_body_bytes, cors_origins };
    let telemetry = hookwire_settings::telemetry(&settings);
    let metrics = hookwire_settings::cloudwatch(&settings);
    let warnings = settings.finish()?;
    // It has been told of as a mistake.
    let log = log.context("the log is missing")?;
    Ok((Config { log, queue, ingress, api, access, telemetry, metrics }, warnings))
}
