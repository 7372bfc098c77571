use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hookwire_telemetry::{Kind, METRICS, Metric};
use metrics::Key;

use crate::cells::{Counter, Gauge, Held, Histogram};
use crate::labels::{Fault, Labels, OTHER, Seen, Tenants};

/// Everything that is counted in this process.
#[derive(Debug, Clone)]
pub struct Registry(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    /// Series by the key that code names them by; only of keys that are as they should be, so it is bounded as they are.
    known: RwLock<HashMap<Key, Cell>>,
    families: Vec<Family>,
    by_name: HashMap<&'static str, usize>,
    tenants: Tenants,
}

/// A metric and its series.
#[derive(Debug)]
struct Family {
    metric: &'static Metric,
    shelf: Mutex<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    seen: Seen,
    series: BTreeMap<Labels, Cell>,
}

/// Where the values of one series are.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Counter(Arc<Counter>),
    Gauge(Arc<Gauge>),
    Histogram(Arc<Histogram>),
}

/// What a series said when it was looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Counter(u64),
    Gauge(f64),
    Histogram(Vec<Held>),
}

/// A metric as it was when it was looked at.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) metric: &'static Metric,
    pub(crate) series: Vec<(Labels, Value)>,
}

/// Something else takes what is counted already.
#[derive(Debug, thiserror::Error)]
#[error("metrics are recorded elsewhere already")]
pub struct InstallError;

/// Series of one metric; beyond them all labels are `other`.
const SERIES: usize = 1_000;

const OVERFLOW: &str = "hookwire_metrics_overflow_total";

impl Registry {
    /// One that knows the metrics of the catalogue, and has counted nothing.
    #[must_use]
    pub fn new() -> Self {
        let family = |metric: &'static Metric| Family {
            metric,
            shelf: Mutex::new(Shelf { seen: Seen::of(metric), series: BTreeMap::new() }),
        };
        let inner = Inner {
            known: RwLock::default(),
            families: METRICS.iter().map(family).collect(),
            by_name: METRICS.iter().map(|metric| metric.name).zip(0..).collect(),
            tenants: Tenants::default(),
        };
        Self(Arc::new(inner))
    }

    /// Has everything recorded here from now on. Whoever took a handle before goes on counting for nobody.
    ///
    /// # Errors
    ///
    /// [`InstallError`]: it was done before.
    pub fn install(&self) -> Result<(), InstallError> {
        metrics::set_global_recorder(self.clone()).map_err(|_taken| InstallError)?;
        metrics::gauge!("hookwire_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        Ok(())
    }

    /// The metrics that something was recorded of.
    pub(crate) fn collect(&self) -> Vec<Collected> {
        let collected = |family: &Family| {
            let shelf = family.shelf();
            let series = shelf.series.iter().map(|(labels, cell)| (labels.clone(), cell.value()));
            Collected { metric: family.metric, series: series.collect() }
        };
        let families = self.0.families.iter().map(collected);
        families.filter(|collected| !collected.series.is_empty()).collect()
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    /// Where to record what code names by this key; nowhere if the catalogue does not know it.
    pub(crate) fn cell(&self, key: &Key, kind: Kind) -> Option<Cell> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        known.or_else(|| self.find(key, kind))
    }

    fn find(&self, key: &Key, kind: Kind) -> Option<Cell> {
        let family = self.by_name.get(key.name()).and_then(|at| self.families.get(*at));
        let family = family.filter(|family| family.metric.kind == kind);
        let Some(family) = family else {
            // A mistake in the code, which a test finds.
            tracing::error!(metric = key.name(), "a metric is recorded that does not exist");
            debug_assert!(false, "there is no metric {key} of this kind");
            return None;
        };
        let (cell, fault) = family.cell(key, &self.tenants);
        match fault {
            None => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                known.insert(key.clone(), cell.clone());
            }
            Some(fault) => {
                debug_assert!(fault == Fault::Many, "{key} is not as its metric says: {fault:?}");
                self.overflown();
            }
        }
        Some(cell)
    }

    fn overflown(&self) {
        if let Some(Cell::Counter(counter)) =
            self.cell(&Key::from_static_name(OVERFLOW), Kind::Counter)
        {
            metrics::CounterFn::increment(&*counter, 1);
        }
    }
}

impl Family {
    fn cell(&self, key: &Key, tenants: &Tenants) -> (Cell, Option<Fault>) {
        let mut shelf = self.shelf();
        let Shelf { seen, series } = &mut *shelf;
        let (mut labels, mut fault) = seen.bounded(self.metric, key, tenants);
        if series.len() >= SERIES && !series.contains_key(&labels) {
            labels.iter_mut().for_each(|(_, value)| OTHER.clone_into(value));
            fault = fault.or(Some(Fault::Many));
        }
        let cell = series.entry(labels).or_insert_with(|| Cell::new(self.metric));
        (cell.clone(), fault)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cell {
    fn new(metric: &Metric) -> Self {
        match metric.kind {
            Kind::Counter => Self::Counter(Arc::default()),
            Kind::Gauge => Self::Gauge(Arc::default()),
            Kind::Histogram => Self::Histogram(Arc::new(Histogram::new(metric.unit.bounds()))),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Counter(counter) => Value::Counter(counter.value()),
            Self::Gauge(gauge) => Value::Gauge(gauge.value()),
            Self::Histogram(histogram) => Value::Histogram(histogram.held()),
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics::{counter, with_local_recorder};

    use super::*;
    use crate::Exposition;

    #[test]
    fn ten_thousand_tenants_and_sources_do_not_grow_it() {
        let registry = Registry::new();
        with_local_recorder(&registry, || {
            for n in 0..10_000 {
                let labels =
                    [("outcome", "appended".to_owned()), ("tenant", format!("tenant-{n}"))];
                counter!("hookwire_published_total", &labels).increment(1);
                let labels = [("source", format!("source-{n}")), ("outcome", format!("word-{n}"))];
                counter!("hookwire_webhooks_total", &labels).increment(1);
            }
        });
        let count = |collected: &Collected| {
            let counts = collected.series.iter().map(|(_, value)| match value {
                Value::Counter(count) => *count,
                _ => 0,
            });
            (collected.series.len(), counts.sum::<u64>())
        };
        let collected = registry.collect();
        let of = |name: &str| count(collected.iter().find(|one| one.metric.name == name).unwrap());
        assert_eq!(of("hookwire_published_total"), (101, 10_000), "and all are counted");
        let (series, pushes) = of("hookwire_webhooks_total");
        assert!(series <= 201, "{series}");
        assert_eq!(pushes, 10_000);
        assert_eq!(of(OVERFLOW), (1, 9_900 + 9_936));
        let size = registry.exposed(Exposition::Text).len();
        assert!(size < 100_000, "{size} bytes");
        let known = registry.0.known.read().unwrap().len();
        assert!(known < 400, "{known} keys are kept");
    }

    #[test]
    fn the_same_tenants_are_told_apart_in_all_metrics() {
        let registry = Registry::new();
        with_local_recorder(&registry, || {
            for n in 0..200 {
                let tenant = format!("t{n}");
                counter!("hookwire_streams_opened_total", "tenant" => tenant.clone()).increment(1);
                counter!("hookwire_events_delivered_total", "tenant" => tenant).increment(1);
            }
        });
        let text = registry.exposed(Exposition::Text);
        for name in ["hookwire_streams_opened_total", "hookwire_events_delivered_total"] {
            assert!(text.contains(&format!("{name}{{tenant=\"t99\"}} 1")), "{text}");
            assert!(text.contains(&format!("{name}{{tenant=\"other\"}} 100")), "{text}");
        }
    }

    #[test]
    fn counts_of_many_threads_are_added_up() {
        let registry = Registry::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    with_local_recorder(&registry, || {
                        let delivered = counter!("hookwire_events_delivered_total");
                        for _ in 0..1_000 {
                            delivered.increment(1);
                        }
                    });
                });
            }
        });
        let text = registry.exposed(Exposition::Text);
        assert!(text.contains("hookwire_events_delivered_total 8000\n"), "{text}");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic = "there is no metric"]
    fn a_metric_that_does_not_exist_is_told_of_loudly() {
        with_local_recorder(&Registry::new(), || counter!("hookwire_typo_total").increment(1));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic = "is not as its metric says"]
    fn a_word_that_a_label_does_not_have_is_told_of_loudly() {
        let labels = [("scope", "user"), ("outcome", "maybe")];
        let record = || counter!("hookwire_limit_checks_total", &labels).increment(1);
        with_local_recorder(&Registry::new(), record);
    }
}
