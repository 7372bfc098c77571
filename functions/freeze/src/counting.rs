use std::sync::Arc;
use std::time::Duration;

use hookwire_boot::telemetry::panics;
use hookwire_metrics::{Emf, EmfConfig, Registry};

use crate::BeforeFreeze;

/// What a function counts, for CloudWatch.
///
/// It is written when an invocation ends, if that was not done of late, and at the end of the process. What is lost is what was
/// counted in the last ten seconds of a process that is killed without being told.
#[derive(Debug, Clone, Default)]
pub struct Counting(Option<Arc<Emf>>);

impl Counting {
    /// How often metrics are written while streams are open; CloudWatch counts by the minute.
    const EVERY: Duration = Duration::from_mins(1);

    /// Counts from now on, if there is a namespace to count in.
    ///
    /// # Errors
    ///
    /// Something else takes what is counted already.
    pub fn start(
        namespace: Option<String>,
        function: &'static str,
    ) -> Result<Self, hookwire_metrics::InstallError> {
        let Some(namespace) = namespace else { return Ok(Self(None)) };
        let registry = Registry::new();
        registry.install()?;
        Ok(Self(Some(Arc::new(Emf::new(registry, EmfConfig { namespace, function })))))
    }

    /// Has it written at the end of invocations.
    #[must_use]
    pub fn before_freeze(&self, before: BeforeFreeze) -> BeforeFreeze {
        let Some(emf) = self.0.clone() else { return before };
        before.and(move || {
            count_panics();
            emf.write_if_due();
            std::future::ready(())
        })
    }

    /// Has it written while answers are open, which may last for many minutes. Nothing happens while the process is frozen.
    pub fn while_open(&self) {
        let Some(emf) = self.0.clone() else { return };
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Self::EVERY).await;
                count_panics();
                emf.write_if_due();
            }
        });
    }

    /// Writes what is left, at the end of the process.
    pub fn end(&self) {
        if let Some(emf) = &self.0 {
            count_panics();
            emf.write_now();
        }
    }
}

fn count_panics() {
    metrics::counter!("hookwire_panics_total").absolute(panics());
}
