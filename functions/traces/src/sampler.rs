use hookwire_boot::{FromSetting, Settings};
use hookwire_traces::Sampler;

/// A sampler that OpenTelemetry has named.
struct Named {
    parent_based: bool,
    takes: Takes,
}

enum Takes {
    All,
    None,
    Some,
}

impl FromSetting for Named {
    const EXPECTS: &'static str =
        "always_on, always_off or traceidratio, or one of these behind `parentbased_`";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let root = text.strip_prefix("parentbased_");
        let takes = match root.unwrap_or(text) {
            "always_on" => Takes::All,
            "always_off" => Takes::None,
            "traceidratio" => Takes::Some,
            _ => return Err(String::new()),
        };
        Ok(Self { parent_based: root.is_some(), takes })
    }
}

struct Ratio(f64);

impl FromSetting for Ratio {
    const EXPECTS: &'static str = "a number from 0 to 1";

    fn from_text(text: &str) -> Result<Self, String> {
        let ratio = text.trim().parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.map(Self).ok_or_else(String::new)
    }
}

/// Reads which traces are recorded.
pub(crate) fn sampler(settings: &Settings) -> Sampler {
    let Named { parent_based, takes } = settings.value("otel_traces_sampler");
    let ratio = match takes {
        Takes::All => 1.0,
        Takes::None => 0.0,
        Takes::Some => settings.value::<Ratio>("otel_traces_sampler_arg").0,
    };
    Sampler { parent_based, ratio }
}
