use std::str::FromStr;
use std::time::Duration;

use hookwire_boot::{Bytes, FromSetting, Settings};
use hookwire_egress_sse::EgressConfig;
use hookwire_hub::RingLimit;
use http::HeaderValue;

/// Reads how streams are served.
pub fn egress(settings: &Settings) -> EgressConfig {
    let slow_after =
        settings.value_in("slow_after", Duration::from_secs(1)..=Duration::from_hours(1));
    let heartbeat =
        settings.value_in("heartbeat", Duration::from_millis(100)..=Duration::from_hours(1));
    if heartbeat >= slow_after {
        settings.mistake("heartbeat", "must be shorter than `slow_after`, which relies on it");
    }
    EgressConfig {
        heartbeat,
        retry: settings.value_in("retry", Duration::from_millis(1)..=Duration::from_hours(1)),
        max_lifetime: settings
            .value_in("max_lifetime", Duration::from_secs(1)..=Duration::from_hours(24 * 7)),
        linger: settings.optional("linger").map(|Linger(linger)| linger),
        max_stream_bytes: None,
        slow_after,
        ring: RingLimit {
            events: settings.value_in("ring_events", 1..=1_000_000),
            bytes: settings.value::<Bytes>("ring_bytes").0,
            ..RingLimit::default()
        },
        cors_origins: cors_origins(settings),
    }
}

/// Reads the largest body of a push or a publish.
pub fn max_body_bytes(settings: &Settings) -> usize {
    settings.value_in("max_body", Bytes(1)..=Bytes(64 << 20)).0
}

/// Reads the origins whose pages may call.
pub fn cors_origins(settings: &Settings) -> Vec<HeaderValue> {
    settings.list::<CorsOrigin>("cors_origins").into_iter().map(|one| one.0).collect()
}

/// Origins as texts.
pub fn texts(origins: &[HeaderValue]) -> Vec<String> {
    origins.iter().filter_map(|origin| origin.to_str().ok().map(str::to_owned)).collect()
}

/// How long a stream goes on without an event.
struct Linger(Duration);

impl FromSetting for Linger {
    const EXPECTS: &'static str = "a duration from `1s` to `1h`";

    fn from_text(text: &str) -> Result<Self, String> {
        let allowed = Duration::from_secs(1)..=Duration::from_hours(1);
        match Duration::from_text(text)? {
            linger if allowed.contains(&linger) => Ok(Self(linger)),
            _ => Err("it is too short or too long".into()),
        }
    }
}

/// An origin as browsers send it.
struct CorsOrigin(HeaderValue);

impl FromSetting for CorsOrigin {
    const EXPECTS: &'static str =
        "an origin: scheme, host and port if not the default, such as `https://app.example.com`";

    fn from_text(text: &str) -> Result<Self, String> {
        let uri = http::Uri::from_str(text).map_err(|_detail| "it is no URL")?;
        let bare =
            uri.scheme().zip(uri.authority()).map(|(scheme, host)| format!("{scheme}://{host}"));
        match bare {
            Some(bare) if bare == text => {
                HeaderValue::from_str(text).map(Self).map_err(|_detail| "it is no origin".into())
            }
            _ => Err("it has more or less than scheme, host and port".into()),
        }
    }
}
