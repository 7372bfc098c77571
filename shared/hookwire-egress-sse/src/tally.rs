use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hookwire_http::Stalled;
use hookwire_hub::Frame;
use metrics::{Counter, Gauge, Histogram};

/// What is counted of all streams.
#[derive(Debug)]
pub(crate) struct Tally {
    latency: Histogram,
    /// Streams whose latency is measured.
    measured: AtomicUsize,
}

impl Tally {
    /// Open streams of which the latency is always measured, so that it is known also where there are few.
    const MEASURED: usize = 16;
    /// Of all others it is measured of one in so many: a clock for every delivery would cost more than the rest of it.
    const ONE_IN: u32 = 64;

    pub(crate) fn new() -> Self {
        let latency = metrics::histogram!("hookwire_delivery_latency_seconds");
        Self { latency, measured: AtomicUsize::new(0) }
    }

    /// Counts a stream as open until what is returned is dropped.
    pub(crate) fn open(self: &Arc<Self>, tenant: Option<String>, stalled: Stalled) -> Open {
        let labels: Vec<_> = tenant.map(|tenant| ("tenant", tenant)).into_iter().collect();
        metrics::counter!("hookwire_streams_opened_total", &labels).increment(1);
        let open = metrics::gauge!("hookwire_streams_open", &labels);
        open.increment(1.0);
        let few = self.measured.load(Ordering::Relaxed) < Self::MEASURED;
        let measured = (few || fastrand::u32(..Self::ONE_IN) == 0).then(|| {
            self.measured.fetch_add(1, Ordering::Relaxed);
            Arc::clone(self)
        });
        let delivered = metrics::counter!("hookwire_events_delivered_total", &labels);
        Open { open, delivered, measured, stalled, ended: false }
    }
}

/// Counts one stream: that it is open, what is delivered on it, and once why it ended.
pub(crate) struct Open {
    open: Gauge,
    delivered: Counter,
    measured: Option<Arc<Tally>>,
    stalled: Stalled,
    ended: bool,
}

impl Open {
    /// Counts frames that are handed to the socket.
    pub(crate) fn delivered(&self, frames: &[Frame]) {
        self.delivered.increment(frames.len() as u64);
        if let Some(tally) = &self.measured {
            for accepted in frames.iter().filter_map(|frame| frame.accepted) {
                tally.latency.record(accepted.elapsed());
            }
        }
    }

    /// Notes that the client is given up since it took nothing.
    pub(crate) fn stalled(&self) {
        self.stalled.note();
    }

    /// Counts why the relay ends the stream.
    pub(crate) fn ended(&mut self, reason: &'static str) {
        if !std::mem::replace(&mut self.ended, true) {
            metrics::counter!("hookwire_streams_closed_total", "reason" => reason).increment(1);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Dropped without a word of ours: the client left, or was cut.
        self.ended(if self.stalled.is_noted() { "slow" } else { "gone" });
        self.open.decrement(1.0);
        if let Some(tally) = &self.measured {
            tally.measured.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
