use std::path::PathBuf;
use std::time::Duration;

use hookwire_boot::{FromSetting, Secret, Settings};
use hookwire_log::Retention;
use hookwire_log_redis::RedisLogConfig;
use hookwire_redis::{Certificates, HashSecret, RedisAddress, RedisConfig};

use crate::QueueSettings;

/// Reads the settings of a log in Redis, beside this queue if there is one.
pub fn redis_log(
    settings: &Settings,
    address: RedisAddress,
    retention: Retention,
    queue: Option<&QueueSettings>,
) -> RedisLogConfig {
    RedisLogConfig {
        redis: redis(settings, address),
        retention,
        tell_server_change: !queue.is_some_and(QueueSettings::brings_everything_back),
        clock: None,
    }
}

/// Reads how a Redis is reached.
pub fn redis(settings: &Settings, mut address: RedisAddress) -> RedisConfig {
    let password: Option<Secret> = settings.optional("redis_password");
    if let Some(password) = password {
        if address.has_password() {
            settings.mistake("redis_password", "must not be set beside a password in `log`");
        }
        address = address.with_password(password.expose());
    }
    let ca: Option<Pem> = settings.optional("redis_ca");
    let cert: Option<Pem> = settings.optional("redis_cert");
    let key: Option<Pem> = settings.optional("redis_key");
    if cert.is_some() != key.is_some() {
        let (lone, missing) =
            if cert.is_some() { ("redis_cert", "redis_key") } else { ("redis_key", "redis_cert") };
        settings.mistake(lone, &format!("needs `{missing}` beside it"));
    }
    let Namespace(namespace) = settings.value("redis_namespace");
    let secret: Option<Secret> = settings.optional("redis_hash_secret");
    RedisConfig {
        certificates: Certificates {
            ca: ca.map(|pem| pem.0),
            client: cert.zip(key).map(|(cert, key)| (cert.0, key.0)),
        },
        // Without a secret the hash still keeps addresses out of the names that monitoring shows.
        hash_secret: HashSecret(
            secret.map_or_else(|| namespace.clone(), |secret| secret.expose().into()),
        ),
        namespace,
        connections: settings.value_in("redis_connections", 2..=1_000),
        answer_within: settings
            .value_in("redis_timeout", Duration::from_millis(10)..=Duration::from_secs(5)),
        ..RedisConfig::new(address)
    }
}

/// What stands in a file in PEM.
struct Pem(Vec<u8>);

impl FromSetting for Pem {
    const EXPECTS: &'static str = "the path of a file in PEM";

    fn from_text(text: &str) -> Result<Self, String> {
        let pem = std::fs::read(PathBuf::from(text)).map_err(|error| error.to_string())?;
        match pem.starts_with(b"-----BEGIN ") || pem.windows(12).any(|run| run == b"\n-----BEGIN ")
        {
            true => Ok(Self(pem)),
            false => Err("the file has no `-----BEGIN` line".into()),
        }
    }
}

/// What keys begin with.
struct Namespace(String);

impl FromSetting for Namespace {
    const EXPECTS: &'static str = "1 to 64 letters, digits, `-`, `_`, `.` and `:`";

    fn from_text(text: &str) -> Result<Self, String> {
        // Braces would move the hash tag, and with it every key of a topic into one slot for all topics.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        match text.len() <= 64 && text.bytes().all(allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err("it is no such name".into()),
        }
    }
}
