use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use hookwire_boot::{Bytes, Mistakes, Origin, Settings, Warning};
use hookwire_edges::AccessSettings;
use hookwire_egress_sse::{ApiConfig, EgressConfig};
use hookwire_http::{ClientCap, ListenerConfig, TrustedHops};
use hookwire_ingress::IngressConfig;
use hookwire_log::Retention;
use hookwire_log_fjall::FjallConfig;
use hookwire_log_redis::RedisLogConfig;
use hookwire_queue::Durability;
use hookwire_settings::{KEYS, LogAddress, TelemetrySettings};
use hookwire_sources::ReachedBy;

use crate::queue::QueueSettings;

/// What the relay runs with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) listener: ListenerConfig,
    pub(crate) log: LogChoice,
    pub(crate) queue: Option<QueueSettings>,
    pub(crate) ingress: IngressConfig,
    pub(crate) api: ApiConfig,
    pub(crate) egress: EgressConfig,
    pub(crate) access: AccessSettings,
    pub(crate) console: bool,
    pub(crate) telemetry: TelemetrySettings,
    /// Whether anything is counted.
    pub(crate) metrics: bool,
}

/// Which log the relay keeps its events in.
#[derive(Debug)]
pub(crate) enum LogChoice {
    Fjall(FjallConfig),
    Memory(Retention),
    Redis(Box<RedisLogConfig>),
}

impl LogChoice {
    /// How much it keeps.
    pub(crate) fn retention(&self) -> &Retention {
        match self {
            Self::Fjall(config) => &config.retention,
            Self::Memory(retention) => retention,
            Self::Redis(config) => &config.retention,
        }
    }
}

/// Reads every setting once.
pub(crate) async fn load(path: Option<PathBuf>) -> Result<(Config, Vec<Warning>), Mistakes> {
    let origin = hookwire_settings::resolved(Origin::process(path)).await;
    read(Settings::load(&KEYS, &["sources"], origin))
}

fn read(settings: Settings) -> Result<(Config, Vec<Warning>), Mistakes> {
    let listen: SocketAddr = settings.value("listen");
    let access = hookwire_edges::access(&settings);
    if !listen.ip().is_loopback() && access.verifier.is_none() {
        settings.mistake(
            "listen",
            "must be a loopback address, such as `127.0.0.1:8080`, or needs keys (`jwt_secret` or `jwks`): without them \
             anybody who reaches the relay could read everything",
        );
    }
    let reached_by = match listen.ip().is_loopback() {
        true => ReachedBy::ThisMachine,
        false => ReachedBy::Anybody,
    };
    let egress = hookwire_edges::egress(&settings);
    let max_body_bytes = hookwire_edges::max_body_bytes(&settings);
    let trusted_hops = TrustedHops(settings.value_in("trusted_hops", 0..=16));
    let durability = hookwire_settings::durability(&settings);
    let queue = hookwire_sqs_settings::sqs(&settings).zip(durability);
    let config = Config {
        listen,
        listener: listener(&settings, egress.slow_after, trusted_hops),
        log: log(&settings, durability.as_ref()),
        queue: queue.map(|(sqs, durability)| QueueSettings { sqs, durability }),
        ingress: IngressConfig {
            sources: hookwire_sources::read(&settings, reached_by),
            max_body_bytes,
            trusted_hops,
        },
        api: ApiConfig { max_body_bytes, cors_origins: egress.cors_origins.clone() },
        egress,
        access,
        console: settings.value("console"),
        telemetry: hookwire_settings::telemetry(&settings),
        metrics: settings.value("metrics"),
    };
    Ok((config, settings.finish()?))
}

fn log(settings: &Settings, durability: Option<&Durability>) -> LogChoice {
    let retention = hookwire_settings::retention(settings);
    let garbage_bytes = settings.value::<Bytes>("garbage_bytes").0 as u64;
    match settings.value("log") {
        LogAddress::Memory => LogChoice::Memory(retention),
        LogAddress::Fjall(path) => {
            LogChoice::Fjall(FjallConfig { garbage_bytes, ..FjallConfig::new(path, retention) })
        }
        LogAddress::Redis(address) => LogChoice::Redis(Box::new(hookwire_settings::redis_log(
            settings, address, retention, durability,
        ))),
    }
}

fn listener(settings: &Settings, slow_after: Duration, hops: TrustedHops) -> ListenerConfig {
    let seconds = |seconds| Duration::from_secs(seconds);
    let max_connections: usize = settings.value_in("max_connections", 1..=10_000_000);
    let max_per_client: Option<usize> = settings.optional("max_connections_per_client");
    let accept_rate: u32 = settings.value_in("accept_rate", 1..=1_000_000);
    ListenerConfig {
        slow_after,
        idle_after: settings.value_in("idle_after", seconds(1)..=Duration::from_hours(1)),
        drain_within: settings.value("drain_within"),
        max_connections: NonZeroUsize::new(max_connections).unwrap_or(NonZeroUsize::MIN),
        max_per_client: match max_per_client.map(NonZeroUsize::new) {
            // Behind proxies every connection is one of theirs.
            _ if hops.0 > 0 => ClientCap::Any,
            None => ClientCap::Half,
            Some(None) => ClientCap::Any,
            Some(Some(most)) => ClientCap::Most(most),
        },
        accept_rate: NonZeroU32::new(accept_rate).unwrap_or(NonZeroU32::MIN),
        ..ListenerConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(variables: &[(&str, &str)], file: &str) -> Vec<String> {
        let origin = Origin::given(variables.iter().copied(), file);
        match read(Settings::load(&KEYS, &["sources"], origin)) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_defaults_have_no_mistake() {
        assert_eq!(mistakes(&[], ""), Vec::<String>::new());
    }

    #[test]
    fn an_audience_without_an_account_would_let_everybody_in() {
        let audience = ("HOOKWIRE_PUSH_AUDIENCE", "https://relay.example.com");
        assert_eq!(mistakes(&[audience], "").len(), 1);
        assert_eq!(mistakes(&[audience, ("HOOKWIRE_PUSH_EMAIL", "a@b.example")], "").len(), 0);
        let source = "[[sources]]\nname = \"a\"\nkind = \"gmail\"\naudience = \"x\"\n";
        assert_eq!(mistakes(&[], source).len(), 1);
        assert_eq!(mistakes(&[], &format!("{source}verification = \"none\"\n")).len(), 0);
    }

    #[test]
    fn whoever_reaches_the_relay_from_elsewhere_needs_a_key_and_a_source_its_proof() {
        let listen = ("HOOKWIRE_LISTEN", "0.0.0.0:8080");
        let secret = ("HOOKWIRE_JWT_SECRET", "a secret of the tests that is long enough");
        let proof = [
            ("HOOKWIRE_PUSH_AUDIENCE", "https://relay.example.com"),
            ("HOOKWIRE_PUSH_EMAIL", "a@b.example"),
        ];
        let source = |more: &str| format!("[[sources]]\nname = \"a\"\nkind = \"gmail\"\n{more}");
        for (variables, file, count) in [
            (vec![listen, proof[0], proof[1]], String::new(), 1),
            (vec![listen, secret], String::new(), 1),
            (vec![listen, secret, proof[0], proof[1]], String::new(), 0),
            (vec![listen, secret], source(""), 1),
            (vec![listen, secret], source("verification = \"none\"\n"), 0),
            (vec![secret], source(""), 0),
        ] {
            let told = mistakes(&variables, &file);
            assert_eq!(told.len(), count, "{variables:?} {file}: {told:#?}");
        }
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let told = mistakes(
            &[
                ("HOOKWIRE_LISTEN", "0.0.0.0:8080"),
                ("HOOKWIRE_LOG", "mysql://x"),
                ("HOOKWIRE_CORS_ORIGINS", "https://a.example/path"),
                ("HOOKWIRE_HEARTBEAT", "10m"),
                ("HOOKWIRE_CLIENT_LIMIT", "0"),
                ("HOOKWIRE_REDIS_CONNECTIONS", "0"),
            ],
            "max_body = \"1TB\"\n[[sources]]\nname = \"a\"\nkind = \"smoke\"\n",
        );
        assert_eq!(told.len(), 7, "{told:#?}");
    }

    #[test]
    fn a_proxy_has_as_many_connections_as_it_needs() {
        let cap = |variables: &[(&str, &str)]| {
            let origin = Origin::given(variables.iter().copied(), "");
            let (config, _) = read(Settings::load(&KEYS, &["sources"], origin)).unwrap();
            config.listener.max_per_client
        };
        let five = ("HOOKWIRE_MAX_CONNECTIONS_PER_CLIENT", "5");
        assert_eq!(cap(&[]), ClientCap::Half);
        assert_eq!(cap(&[five]), ClientCap::Most(NonZeroUsize::new(5).unwrap()));
        assert_eq!(cap(&[("HOOKWIRE_MAX_CONNECTIONS_PER_CLIENT", "0")]), ClientCap::Any);
        assert_eq!(cap(&[five, ("HOOKWIRE_TRUSTED_HOPS", "1")]), ClientCap::Any);
        assert_eq!(mistakes(&[("HOOKWIRE_MAX_CONNECTIONS", "0")], "").len(), 1);
    }

    #[test]
    fn what_redis_needs_is_read_and_judged_only_when_it_is_used() {
        let wrong =
            [("HOOKWIRE_REDIS_CERT", "./no-such-file.pem"), ("HOOKWIRE_REDIS_CONNECTIONS", "0")];
        assert_eq!(mistakes(&wrong, "").len(), 0);
        let used = [("HOOKWIRE_LOG", "rediss://u:hunter2@h"), wrong[0], wrong[1]];
        let told = mistakes(&used, "");
        assert_eq!(told.len(), 2, "{told:#?}");
        let told = mistakes(&[("HOOKWIRE_LOG", "redis://u:hunter2@h/x")], "").join("");
        assert!(told.contains("the database") && !told.contains("hunter2"), "{told}");
    }
}
