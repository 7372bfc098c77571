use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::available_parallelism;

use metrics::{CounterFn, GaugeFn, HistogramFn};

/// A number that only grows.
///
/// Each thread adds to a part of its own: a hundred thousand deliveries a second on all cores would otherwise fight for one
/// line of the cache.
#[derive(Debug)]
pub(crate) struct Counter(Box<[Part]>);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Part(AtomicU64);

/// More parts would only cost memory.
const PARTS_AT_MOST: usize = 16;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

impl Counter {
    pub(crate) fn value(&self) -> u64 {
        self.0.iter().map(|part| part.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    fn part(&self) -> Option<&AtomicU64> {
        // While a thread ends it may have no number any more.
        let thread = THREAD.try_with(|thread| *thread).unwrap_or_default();
        self.0.get(thread % self.0.len()).map(|part| &part.0)
    }
}

impl Default for Counter {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let parts = cores.next_power_of_two().min(PARTS_AT_MOST);
        Self((0..parts).map(|_| Part::default()).collect())
    }
}

impl CounterFn for Counter {
    fn increment(&self, value: u64) {
        if let Some(part) = self.part() {
            part.fetch_add(value, Ordering::Relaxed);
        }
    }

    /// For what somebody else counts; such a counter is never incremented.
    fn absolute(&self, value: u64) {
        if let Some(part) = self.0.first() {
            part.0.fetch_max(value, Ordering::Relaxed);
        }
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn value(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn change(&self, by: f64) {
        let changed = |bits| Some((f64::from_bits(bits) + by).to_bits());
        let _always = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed);
    }
}

impl GaugeFn for Gauge {
    fn increment(&self, value: f64) {
        self.change(value);
    }

    fn decrement(&self, value: f64) {
        self.change(-value);
    }

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

/// Observations, counted and summed up by size.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: the last is for what is larger.
    buckets: Box<[Bucket]>,
}

#[derive(Debug, Default)]
struct Bucket {
    count: AtomicU64,
    /// In billionths, so that adding is one step; enough for five hundred years of seconds.
    sum: AtomicU64,
}

/// What a bucket held when it was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Held {
    pub(crate) count: u64,
    pub(crate) sum: u64,
}

pub(crate) const BILLIONTHS: f64 = 1e9;

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, buckets: (0..=bounds.len()).map(|_| Bucket::default()).collect() }
    }

    pub(crate) fn held(&self) -> Vec<Held> {
        let held = |bucket: &Bucket| Held {
            count: bucket.count.load(Ordering::Relaxed),
            sum: bucket.sum.load(Ordering::Relaxed),
        };
        self.buckets.iter().map(held).collect()
    }
}

impl HistogramFn for Histogram {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float ends at the bounds of the integer, and NaN is 0"
    )]
    fn record(&self, value: f64) {
        let index = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.count.fetch_add(1, Ordering::Relaxed);
            bucket.sum.fetch_add((value * BILLIONTHS) as u64, Ordering::Relaxed);
        }
    }
}
