use std::sync::Arc;
use std::time::Duration;

use hookwire_traces::{Sink, Tracer};
use hookwire_traces_otlp::OtlpExporter;

use crate::TracesSettings;

/// What records traces, and what sends them.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    tracer: Tracer,
    exporter: Option<Arc<OtlpExporter>>,
}

impl Traces {
    /// How long a process that ends waits for the collector.
    const AT_THE_END: Duration = Duration::from_secs(2);
    /// How long an answer of a function waits for it: less than it waits for all that is done before a freeze.
    const BEFORE_A_FREEZE: Duration = Duration::from_millis(400);

    /// What is to be recorded; without settings nothing.
    #[must_use]
    pub fn new(settings: Option<TracesSettings>) -> Self {
        let Some(TracesSettings { otlp, sampler }) = settings else { return Self::default() };
        let exporter = Arc::new(OtlpExporter::new(otlp));
        let sink = Arc::clone(&exporter) as Arc<dyn Sink>;
        Self { tracer: Tracer::new(sampler, sink), exporter: Some(exporter) }
    }

    /// What records them.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        self.tracer.clone()
    }

    /// Sends them in the background, for as long as the process lasts.
    pub fn send_in_background(&self) {
        if let Some(exporter) = self.exporter.clone() {
            tokio::spawn(async move { exporter.run().await });
        }
    }

    /// Sends the last of them, when the process is about to end.
    pub async fn finish(&self) {
        flush(self.exporter.clone(), Self::AT_THE_END).await;
    }

    /// Sends what an invocation of a function has left, before it ends.
    pub fn before_freeze(&self) -> impl Future<Output = ()> + Send + use<> {
        flush(self.exporter.clone(), Self::BEFORE_A_FREEZE)
    }
}

async fn flush(exporter: Option<Arc<OtlpExporter>>, within: Duration) {
    if let Some(exporter) = exporter {
        exporter.flush(within).await;
    }
}
