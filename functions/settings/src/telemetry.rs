use hookwire_boot::Settings;
use hookwire_boot::telemetry::{LogFormat, Sentry, SentryConfig, Telemetry};

/// How a function tells of itself.
#[derive(Debug)]
pub struct TelemetrySettings {
    log_format: LogFormat,
    sentry: Option<SentryConfig>,
}

/// Reads how a function tells of itself.
pub fn telemetry(settings: &Settings) -> TelemetrySettings {
    let dsn = settings.optional("sentry_dsn");
    let rest = (
        settings.value("sentry_environment"),
        settings.value_in("sentry_sample_rate", 0.0..=1.0),
        settings.value_in("sentry_max_events", 1..=1_000_000),
        settings.value("runbook_url"),
    );
    let sentry = dsn.map(|dsn| {
        let (environment, sample_rate, max_events, runbook) = rest;
        SentryConfig { dsn, environment, sample_rate, max_events, runbook }
    });
    TelemetrySettings { log_format: settings.value("log_format"), sentry }
}

impl TelemetrySettings {
    /// What this function starts with, and Sentry if it is told anything.
    pub fn open(&self, function: &'static str) -> (Telemetry, Option<Sentry>) {
        let telemetry = Telemetry::new(self.log_format);
        let sentry = self.sentry.clone().map(|config| Sentry::new(config, function));
        let telemetry = match &sentry {
            Some(sentry) => telemetry.layer(sentry.layer()),
            None => telemetry,
        };
        (telemetry, sentry)
    }
}
