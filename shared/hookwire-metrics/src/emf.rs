use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hookwire_telemetry::{Metric, Unit, Values};
use serde_json::{Map, Value as Json, json};

use crate::Registry;
use crate::cells::{BILLIONTHS, Held};
use crate::labels::Labels;
use crate::registry::Value;

/// How metrics are written for CloudWatch.
#[derive(Debug, Clone)]
pub struct EmfConfig {
    /// Namespace of the metrics.
    pub namespace: String,
    /// The dimension that every metric has.
    pub function: &'static str,
}

/// Writes what is counted as lines of CloudWatch's embedded metric format, which the platform makes metrics of.
///
/// A line is for one set of dimensions, and says what came since the last time. What a metric of the catalogue says by tenant is
/// summed up: each set of dimensions is paid for every month.
///
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
#[derive(Debug)]
pub struct Emf {
    registry: Registry,
    config: EmfConfig,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the clock on the wall, which goes on while the process is frozen.
    written_at: Option<SystemTime>,
    before: HashMap<(&'static str, Labels), Value>,
    urgent_before: u64,
}

/// What somebody waits to hear of: counters, and the label that they must have for it.
const URGENT: &[(&str, Option<(&str, &str)>)] = &[
    ("hookwire_panics_total", None),
    ("hookwire_breaker_transitions_total", None),
    ("hookwire_http_responses_total", Some(("status", "5xx"))),
    ("hookwire_spilled_total", None),
    ("hookwire_unmirrored_total", None),
    ("hookwire_drained_total", Some(("outcome", "buried"))),
];

impl Emf {
    /// Pause between two writes: each costs a few hundred bytes of log, and CloudWatch counts by the minute.
    pub const EVERY: Duration = Duration::from_secs(10);
    /// Pause when something urgent happened; in an outage every invocation has something.
    pub const URGENT_EVERY: Duration = Duration::from_secs(1);
    /// Metrics that one line may have.
    const METRICS: usize = 100;

    /// Writes what this registry counts.
    #[must_use]
    pub fn new(registry: Registry, config: EmfConfig) -> Self {
        Self { registry, config, state: Mutex::default() }
    }

    /// Writes to standard output if it is time; to be called when an invocation ends.
    pub fn write_if_due(&self) {
        let now = SystemTime::now();
        if self.is_due(now) {
            self.write(now);
        }
    }

    /// Writes to standard output whatever is new, for the end of the process.
    pub fn write_now(&self) {
        self.write(SystemTime::now());
    }

    fn write(&self, now: SystemTime) {
        let lines = self.lines(now);
        // Nobody is there to be told that standard output is gone.
        let _lost = io::stdout().lock().write_all(lines.as_bytes());
    }

    fn is_due(&self, now: SystemTime) -> bool {
        let (written_at, urgent_before) = {
            let state = self.state();
            (state.written_at, state.urgent_before)
        };
        // A clock that went back must not keep everything for long.
        let ago = written_at.map(|at| now.duration_since(at).unwrap_or(Self::EVERY));
        match ago {
            None => true,
            Some(ago) if ago >= Self::EVERY => true,
            Some(ago) => ago >= Self::URGENT_EVERY && self.urgent() > urgent_before,
        }
    }

    /// How much of what is urgent there was so far.
    fn urgent(&self) -> u64 {
        let collected = self.registry.collect();
        let counts = collected.iter().flat_map(|one| {
            let wanted = URGENT.iter().find(|(name, _)| *name == one.metric.name);
            let series = one.series.iter().filter(move |(labels, _)| match wanted {
                Some((_, Some((name, value)))) => {
                    labels.iter().any(|label| label.0 == *name && label.1 == *value)
                }
                Some((_, None)) => true,
                None => false,
            });
            series.map(|(_, value)| if let Value::Counter(count) = value { *count } else { 0 })
        });
        counts.sum()
    }

    /// What is new since the last time, as lines.
    fn lines(&self, now: SystemTime) -> String {
        let urgent = self.urgent();
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let timestamp_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let mut lines = String::new();
        for (labels, metrics) in self.news(now, urgent) {
            for metrics in metrics.chunks(Self::METRICS) {
                let document = self.document(timestamp_ms, &labels, metrics);
                // A text takes everything.
                let _always = writeln!(lines, "{}", Json::Object(document));
            }
        }
        lines
    }

    /// What is new, by its dimensions.
    fn news(&self, now: SystemTime, urgent: u64) -> BTreeMap<Labels, Vec<(&'static Metric, Json)>> {
        let mut state = self.state();
        state.written_at = Some(now);
        state.urgent_before = urgent;
        let mut news: BTreeMap<Labels, Vec<(&'static Metric, Json)>> = BTreeMap::new();
        for collected in self.registry.collect() {
            let metric = collected.metric;
            if !metric.cloudwatch {
                continue;
            }
            for (labels, value) in without_tenants(metric, collected.series) {
                let key = (metric.name, labels.clone());
                let before = state.before.insert(key, value.clone());
                if let Some(told) = told(&value, before.as_ref()) {
                    news.entry(labels).or_default().push((metric, told));
                }
            }
        }
        news
    }

    fn document(
        &self,
        timestamp_ms: u64,
        labels: &Labels,
        metrics: &[(&'static Metric, Json)],
    ) -> Map<String, Json> {
        let names = labels.iter().map(|(name, _)| *name);
        let dimensions: Vec<_> = std::iter::once("function").chain(names).collect();
        let defined = metrics.iter().map(|(metric, _)| {
            let unit = match metric.unit {
                Unit::Count => "Count",
                Unit::Seconds => "Seconds",
                Unit::Bytes => "Bytes",
            };
            json!({ "Name": metric.name, "Unit": unit })
        });
        let directive = json!({
            "Namespace": self.config.namespace,
            "Dimensions": [dimensions],
            "Metrics": defined.collect::<Vec<_>>(),
        });
        let mut document = Map::new();
        document.insert(
            "_aws".to_owned(),
            json!({ "Timestamp": timestamp_ms, "CloudWatchMetrics": [directive] }),
        );
        document.insert("function".to_owned(), self.config.function.into());
        let values = labels.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
        document.extend(values);
        document
            .extend(metrics.iter().map(|(metric, told)| (metric.name.to_owned(), told.clone())));
        document
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The series of a metric, those that differ by their tenant alone as one.
fn without_tenants(metric: &Metric, series: Vec<(Labels, Value)>) -> BTreeMap<Labels, Value> {
    let is_tenant = |name: &str| {
        metric.labels.iter().any(|label| label.name == name && label.values == Values::Tenant)
    };
    let mut sums: BTreeMap<Labels, Value> = BTreeMap::new();
    for (mut labels, value) in series {
        labels.retain(|(name, _)| !is_tenant(name));
        match (sums.get_mut(&labels), value) {
            (Some(Value::Counter(sum)), Value::Counter(count)) => *sum += count,
            (Some(Value::Gauge(sum)), Value::Gauge(value)) => *sum += value,
            (_, value) => {
                sums.insert(labels, value);
            }
        }
    }
    sums
}

/// What is to be said of a value; nothing if nothing came since `before`.
fn told(value: &Value, before: Option<&Value>) -> Option<Json> {
    match (value, before) {
        (Value::Gauge(value), _) => Some(json!(value)),
        (Value::Counter(count), Some(Value::Counter(before))) => {
            let new = count.saturating_sub(*before);
            (new > 0).then(|| json!(new))
        }
        (Value::Counter(count), _) => (*count > 0).then(|| json!(count)),
        (Value::Histogram(held), Some(Value::Histogram(before))) => {
            distribution(held.iter().zip(before.iter().copied()))
        }
        (Value::Histogram(held), _) => {
            distribution(held.iter().zip(std::iter::repeat(Held::default())))
        }
    }
}

/// Of each bucket the mean of what came, and how many came: at most nineteen of the hundred that may be there.
fn distribution<'a>(held: impl Iterator<Item = (&'a Held, Held)>) -> Option<Json> {
    let (mut values, mut counts, mut sum) = (Vec::new(), Vec::new(), 0.0);
    for (held, before) in held {
        let count = held.count.saturating_sub(before.count);
        if count > 0 {
            let of_bucket = held.sum.saturating_sub(before.sum) as f64 / BILLIONTHS;
            sum += of_bucket;
            values.push(of_bucket / count as f64);
            counts.push(count);
        }
    }
    let (min, max) = values.first().zip(values.last())?;
    let count: u64 = counts.iter().sum();
    Some(
        json!({ "Min": min, "Max": max, "Sum": sum, "Count": count, "Values": values, "Counts": counts }),
    )
}

#[cfg(test)]
mod tests;
