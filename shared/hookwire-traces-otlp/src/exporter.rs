use std::collections::HashMap;
use std::time::Duration;

use hookwire_traces::{Ended, Sink};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::OtlpConfig;
use crate::client::Client;
use crate::convert::span_data;
use crate::health::Health;
use crate::waiting::Waiting;

/// Takes spans, and sends them to a collector when it is told to.
#[derive(Debug)]
pub struct OtlpExporter {
    config: OtlpConfig,
    scope: InstrumentationScope,
    waiting: Waiting,
    health: Health,
    /// Building it reads the system's root certificates, so it waits for the first span. Locked while something is sent:
    /// it takes one batch after another.
    exporter: Mutex<Option<SpanExporter>>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    #[error("the exporter cannot be set up: {0}")]
    Exporter(#[from] ExporterBuildError),
    #[error("the client cannot be set up")]
    Client(#[source] reqwest::Error),
    #[error(transparent)]
    Refused(#[from] OTelSdkError),
    #[error("no answer in time")]
    Unanswered,
}

impl Sink for OtlpExporter {
    fn take(&self, span: Ended) {
        self.waiting.push(span);
    }
}

impl OtlpExporter {
    /// How long spans wait for others that can go out with them.
    const GATHER: Duration = Duration::from_secs(1);

    /// An exporter; nothing is connected before there is a span.
    #[must_use]
    pub fn new(config: OtlpConfig) -> Self {
        let scope = InstrumentationScope::builder("hookwire")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let (waiting, health) = (Waiting::default(), Health::default());
        Self { config, scope, waiting, health, exporter: Mutex::default() }
    }

    /// Sends spans as they come, for ever.
    pub async fn run(&self) {
        loop {
            self.waiting.some().await;
            // Whether there are enough or it took long enough does not matter.
            drop(timeout(Self::GATHER, self.waiting.enough()).await);
            while !self.health.is_due() {
                sleep(Self::GATHER).await;
            }
            self.send(self.config.timeout).await;
        }
    }

    /// Sends what waits, unless the collector was away a moment ago; returns `within` this time, sent or not.
    pub async fn flush(&self, within: Duration) {
        // What is on its way is waited for, too.
        let is_sending = self.exporter.try_lock().is_err();
        if is_sending || !self.waiting.is_empty() && self.health.is_due() {
            self.send(within.min(self.config.timeout)).await;
        }
    }

    async fn send(&self, within: Duration) {
        let until = Instant::now() + within;
        let Ok(mut exporter) = timeout_at(until, self.exporter.lock()).await else { return };
        while Instant::now() < until {
            let spans = self.waiting.take();
            if spans.is_empty() {
                return;
            }
            let count = spans.len();
            let sent = timeout_at(until, self.send_batch(&mut exporter, spans)).await;
            match sent.unwrap_or(Err(NotTaken::Unanswered)) {
                Ok(()) => self.health.took(|| self.waiting.take_lost()),
                Err(error) => {
                    self.waiting.lose(count);
                    self.health.did_not_take(&error);
                    return;
                }
            }
        }
    }

    async fn send_batch(
        &self,
        exporter: &mut Option<SpanExporter>,
        spans: Vec<Ended>,
    ) -> Result<(), NotTaken> {
        let exporter = match exporter {
            Some(exporter) => exporter,
            None => exporter.insert(self.exporter()?),
        };
        let batch = spans.into_iter().map(|span| span_data(span, &self.scope)).collect();
        Ok(exporter.export(batch).await?)
    }

    fn exporter(&self) -> Result<SpanExporter, NotTaken> {
        let headers: HashMap<_, _> = self.config.headers.iter().cloned().collect();
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new().map_err(NotTaken::Client)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&self.config.endpoint)
            .with_timeout(self.config.timeout)
            .with_headers(headers)
            // What is not taken is tried again by nobody: newer spans say more.
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        let attributes = self.config.resource.iter();
        let attributes = attributes.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        // Empty before: what the environment says has been read where all settings are.
        exporter.set_resource(&Resource::builder_empty().with_attributes(attributes).build());
        Ok(exporter)
    }
}
