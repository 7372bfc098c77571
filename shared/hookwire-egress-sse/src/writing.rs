use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use hookwire_http::HandOff;
use hookwire_log::Lateness;
use hookwire_writer::Writers;
use tokio_util::sync::CancellationToken;

use crate::body::Stream;

/// The writers of streams whose connections are handed off; they start with the first one.
#[derive(Debug)]
pub(crate) struct Writing {
    writers: OnceLock<Option<Arc<Writers<Stream>>>>,
    lateness: Lateness,
    stops: CancellationToken,
    /// Whether the process stops; each stream looks before each write, and the token has a lock.
    pub(crate) draining: Arc<AtomicBool>,
}

impl Writing {
    pub(crate) fn new(lateness: Lateness, stops: CancellationToken) -> Self {
        Self { writers: OnceLock::new(), lateness, stops, draining: Arc::default() }
    }

    /// The writers, or `None` where the system has no room for them: then every stream is a body.
    pub(crate) fn writers(
        &self,
        hand_off: &HandOff,
        slow_after: Duration,
    ) -> Option<&Arc<Writers<Stream>>> {
        let started = self.writers.get_or_init(|| match Writers::start(slow_after) {
            Ok(writers) => {
                let writers = Arc::new(writers);
                self.watch(&writers, hand_off.cut().clone());
                Some(writers)
            }
            Err(error) => {
                tracing::warn!(%error, "streams take more memory: their writers cannot be started");
                None
            }
        });
        started.as_ref()
    }

    /// Has every stream looked after when what concerns all of them changes.
    fn watch(&self, writers: &Arc<Writers<Stream>>, cut: CancellationToken) {
        let (stops, draining) = (self.stops.clone(), Arc::clone(&self.draining));
        let lateness = self.lateness.clone();
        let writers = Arc::downgrade(writers);
        let stopped = Weak::clone(&writers);
        tokio::spawn(async move {
            stops.cancelled().await;
            draining.store(true, Ordering::Release);
            stopped.upgrade().inspect(|writers| writers.look_after_all());
            cut.cancelled().await;
            stopped.upgrade().inspect(|writers| writers.cut());
        });
        tokio::spawn(async move {
            loop {
                lateness.differs_from(lateness.is_late()).await;
                let Some(writers) = writers.upgrade() else { return };
                writers.look_after_all();
            }
        });
    }
}
