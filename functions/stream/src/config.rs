use anyhow::Context;
use hookwire_boot::{Origin, Settings, Warning};
use hookwire_edges::AccessSettings;
use hookwire_egress_sse::EgressConfig;
use hookwire_http::TrustedHops;
use hookwire_log_redis::RedisLogConfig;
use hookwire_settings::{KEYS, TelemetrySettings};

/// After so much a stream begins anew: a function's URL cuts it at 200 MB, and slows it down long before.
///
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html>
const MAX_STREAM_BYTES: u64 = 64 << 20;

/// What the function runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) log: RedisLogConfig,
    pub(crate) egress: EgressConfig,
    pub(crate) access: AccessSettings,
    pub(crate) trusted_hops: TrustedHops,
    pub(crate) telemetry: TelemetrySettings,
    /// Namespace in CloudWatch of what is counted, if anything is.
    pub(crate) metrics: Option<String>,
}

/// Reads every setting once.
pub(crate) async fn load() -> anyhow::Result<(Config, Vec<Warning>)> {
    let origin = hookwire_settings::resolved(Origin::process(None)).await;
    let settings = Settings::load(&KEYS, &["sources"], origin);
    // The queue is not used here, but what it keeps decides what readers are told of a failover.
    let durability = hookwire_settings::durability(&settings);
    let log = hookwire_settings::shared_log(&settings, durability.as_ref());
    let access = hookwire_edges::keyed_access(&settings);
    let egress = EgressConfig {
        max_stream_bytes: Some(MAX_STREAM_BYTES),
        ..hookwire_edges::egress(&settings)
    };
    let trusted_hops = TrustedHops(settings.value_in("trusted_hops", 0..=16));
    let telemetry = hookwire_settings::telemetry(&settings);
    let metrics = hookwire_settings::cloudwatch(&settings);
    let warnings = settings.finish()?;
    // It has been told of as a mistake.
    let log = log.context("the log is missing")?;
    Ok((Config { log, egress, access, trusted_hops, telemetry, metrics }, warnings))
}
