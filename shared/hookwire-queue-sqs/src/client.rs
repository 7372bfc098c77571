use std::time::Duration;

use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_sqs::config::{Builder, Credentials, StalledStreamProtectionConfig};

use crate::{QueueUrl, SqsConfig};

/// Attempts at a call: one retry finds another connection, and often another host.
const ATTEMPTS: u32 = 2;
/// Longest pause before the retry, which begins at a random moment within it.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// What is left of the time of a send when its call ends, so that its cause reaches the caller before it gives up.
const MARGIN: Duration = Duration::from_millis(50);
/// Region of a request to a host that tells none, such as an emulator's.
const ANY_REGION: &str = "us-east-1";

/// Makes a client whose calls take as long as sends may.
pub(crate) async fn client(config: &SqsConfig) -> Client {
    let environment = environment(&config.queue_url).await;
    let retries =
        RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(RETRY_AFTER);
    // The breaker limits them. What limits them by default takes hundreds of calls to recover from an outage.
    let unlimited = RetryPartition::custom("queue").token_bucket(TokenBucket::unlimited()).build();
    let whole = config.send_within.saturating_sub(MARGIN);
    let config = Builder::from(&environment)
        .retry_config(retries)
        .retry_partition(unlimited)
        .timeout_config(timeouts(config, whole, config.attempt_within))
        // Times are bounded by those above, and a long poll is slow by intent.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// Has one call take longer than a send may: `wait`, and then the time for an answer.
pub(crate) fn patient(config: &SqsConfig, wait: Duration) -> Builder {
    let whole = wait + config.answer_within;
    Builder::new().timeout_config(timeouts(config, whole, whole))
}

fn timeouts(config: &SqsConfig, whole: Duration, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_timeout(whole)
        .operation_attempt_timeout(attempt.min(whole))
        // The same for all, since connections are shared between calls with the same one only.
        .connect_timeout(config.connect_within)
        .build()
}

/// What the environment says, and the URL of the queue.
async fn environment(url: &QueueUrl) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).region(region(url));
    if url.is_fips() {
        loader = loader.use_fips(true);
    }
    if url.is_dual_stack() {
        loader = loader.use_dual_stack(true);
    }
    let environment = credentials(loader, url).load().await;
    match url.endpoint() {
        // `AWS_ENDPOINT_URL` and its like come first all the same.
        Some(endpoint) => environment.into_builder().endpoint_url(endpoint).build(),
        None => environment,
    }
}

/// The URL knows best: a function in one region may use a queue in another. Nobody asks the instance for its region.
fn region(url: &QueueUrl) -> RegionProviderChain {
    RegionProviderChain::first_try(url.region().map(|region| Region::new(region.to_owned())))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(Region::from_static(ANY_REGION))
}

/// An emulator wants a signature and does not check it; the role of an instance is not looked for.
fn credentials(loader: ConfigLoader, url: &QueueUrl) -> ConfigLoader {
    if !url.is_emulator() {
        return loader;
    }
    let environment = EnvironmentVariableCredentialsProvider::new();
    let any = Credentials::new("hookwire", "hookwire", None, None, "emulator");
    let chain = CredentialsProviderChain::first_try("environment", environment);
    loader.credentials_provider(chain.or_else("emulator", any))
}
