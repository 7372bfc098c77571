use std::time::Duration;

use hookwire_boot::{FromSetting, Settings};
use hookwire_traces::Sampler;
use hookwire_traces_otlp::OtlpConfig;
use url::Url;

use crate::pairs::Pairs;
use crate::sampler::sampler;
use crate::word::{HttpProtobuf, SentBy};

/// Where traces go, and which.
#[derive(Debug, Clone)]
pub struct TracesSettings {
    pub(crate) otlp: OtlpConfig,
    pub(crate) sampler: Sampler,
}

/// Reads the settings of traces; nothing when there are to be none. `service` is the name of whoever is given none.
///
/// Where they are off nothing is looked at: the same variables may be meant for others beside the relay.
pub fn traces(settings: &Settings, service: &str) -> Option<TracesSettings> {
    let (whole, base) = ("otel_exporter_otlp_traces_endpoint", "otel_exporter_otlp_endpoint");
    if !settings.is_set(whole) && !settings.is_set(base) {
        return None;
    }
    let sent_by: SentBy = settings.value("otel_traces_exporter");
    if sent_by == SentBy::Nobody || settings.value("otel_sdk_disabled") {
        return None;
    }
    let whole: Option<Endpoint> = settings.optional(whole);
    let base: Option<Endpoint> = settings.optional(base);
    let endpoint = whole.map(|Endpoint(url)| url).or_else(|| base.map(Endpoint::with_path));
    let HttpProtobuf = match settings.optional("otel_exporter_otlp_traces_protocol") {
        Some(protocol) => protocol,
        None => settings.value("otel_exporter_otlp_protocol"),
    };
    let timeout: Option<u64> = settings.optional("otel_exporter_otlp_traces_timeout");
    let timeout = timeout.unwrap_or_else(|| settings.value("otel_exporter_otlp_timeout"));
    let headers = settings.optional("otel_exporter_otlp_traces_headers");
    let headers = headers.or_else(|| settings.optional("otel_exporter_otlp_headers"));
    let Pairs(headers) = headers.unwrap_or_default();
    let (timeout, resource) = (Duration::from_millis(timeout), resource(settings, service));
    let sampler = sampler(settings);
    let endpoint = endpoint?.into();
    Some(TracesSettings { otlp: OtlpConfig { endpoint, headers, timeout, resource }, sampler })
}

fn resource(settings: &Settings, service: &str) -> Vec<(String, String)> {
    let Pairs(mut given) = settings.optional("otel_resource_attributes").unwrap_or_default();
    if let Some(name) = settings.optional::<String>("otel_service_name") {
        given.retain(|(attribute, _)| attribute != "service.name");
        given.push(("service.name".into(), name));
    }
    let own = [
        ("service.name", service.to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        // Tells the relays of one service apart.
        ("service.instance.id", format!("{:032x}", fastrand::u128(..))),
    ];
    for (name, value) in own {
        if !given.iter().any(|(given, _)| given == name) {
            given.push((name.to_owned(), value));
        }
    }
    given
}

/// The address of a collector.
struct Endpoint(Url);

impl Endpoint {
    fn with_path(self) -> Url {
        let Self(mut url) = self;
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }
}

impl FromSetting for Endpoint {
    const EXPECTS: &'static str = "an address that begins with http:// or https://";

    fn from_text(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| error.to_string())?;
        match url.scheme() {
            "http" | "https" if url.has_host() => {}
            _ => return Err(String::new()),
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use hookwire_boot::Origin;
    use hookwire_settings::KEYS;

    use super::*;

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

    fn read(variables: &[(&str, &str)]) -> Result<Option<TracesSettings>, Vec<String>> {
        let origin = Origin::given(variables.iter().copied(), "");
        let settings = Settings::load(&KEYS, &[], origin);
        let read = traces(&settings, "hookwire");
        match settings.finish() {
            Ok(_) => Ok(read),
            Err(mistakes) => Err(mistakes.iter().map(ToString::to_string).collect()),
        }
    }

    fn on(variables: &[(&str, &str)]) -> TracesSettings {
        read(&[&[ENDPOINT], variables].concat()).unwrap().unwrap()
    }

    #[test]
    fn without_an_endpoint_or_where_they_are_turned_off_there_are_none_and_no_mistakes() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        for variables in [
            &[grpc][..],
            &[ENDPOINT, grpc, ("OTEL_TRACES_EXPORTER", "none")],
            &[ENDPOINT, grpc, ("OTEL_SDK_DISABLED", "TRUE")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
        ] {
            assert!(read(variables).unwrap().is_none(), "{variables:?}");
        }
    }

    #[test]
    fn what_is_for_traces_alone_goes_before_what_is_for_everything() {
        let defaults = on(&[]);
        assert_eq!(defaults.otlp.endpoint, "http://collector:4318/v1/traces");
        assert_eq!(defaults.otlp.timeout, Duration::from_secs(10));
        assert_eq!(defaults.otlp.headers, []);
        assert_eq!(defaults.sampler, Sampler { parent_based: true, ratio: 0.01 });
        let both = on(&[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://other/x?y=z"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", " authorization = Bearer%20x%3D%2C ,b=2"),
        ]);
        assert_eq!(both.otlp.endpoint, "https://other/x?y=z");
        assert_eq!(both.otlp.timeout, Duration::from_secs(2));
        let headers = [("authorization", "Bearer x=,"), ("b", "2")];
        assert_eq!(both.otlp.headers, headers.map(|(name, value)| (name.into(), value.into())));
        let below = on(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector/otlp/")]);
        assert_eq!(below.otlp.endpoint, "http://collector/otlp/v1/traces");
    }

    #[test]
    fn every_sampler_of_the_standard_has_its_meaning() {
        for (name, argument, parent_based, ratio) in [
            ("always_on", "0.5", false, 1.0),
            ("always_off", "0.5", false, 0.0),
            ("traceidratio", "0.5", false, 0.5),
            ("parentbased_always_on", "0.5", true, 1.0),
            ("parentbased_always_off", "0.5", true, 0.0),
            ("parentbased_traceidratio", "1", true, 1.0),
            ("", "0", true, 0.0),
        ] {
            let read = on(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
            assert_eq!(read.sampler, Sampler { parent_based, ratio }, "{name}");
        }
    }

    #[test]
    fn a_service_has_the_name_it_was_given() {
        let name = |variables: &[(&str, &str)]| {
            let resource = on(variables).otlp.resource.into_iter();
            let names = resource.filter(|(attribute, _)| attribute == "service.name");
            names.map(|(_, name)| name).collect::<Vec<_>>()
        };
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a%20b,x=y");
        assert_eq!(name(&[]), ["hookwire"]);
        assert_eq!(name(&[attributes]), ["a b"]);
        assert_eq!(name(&[attributes, ("OTEL_SERVICE_NAME", "c")]), ["c"]);
    }

    #[test]
    fn every_mistake_is_told_and_no_header() {
        let mistakes = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_RESOURCE_ATTRIBUTES", "=x"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_SDK_DISABLED", "perhaps"),
        ]);
        let mistakes = mistakes.unwrap_err();
        assert_eq!(mistakes.len(), 8, "{mistakes:#?}");
        assert!(!mistakes.concat().contains("hunter2"), "{mistakes:#?}");
        assert!(mistakes.concat().contains("port 4318"), "{mistakes:#?}");
        for ratio in ["2", "-1", "NaN", "x"] {
            let wrong = read(&[ENDPOINT, ("OTEL_TRACES_SAMPLER_ARG", ratio)]);
            assert_eq!(wrong.unwrap_err().len(), 1, "{ratio}");
        }
    }
}
