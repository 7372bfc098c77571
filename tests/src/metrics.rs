use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hookwire_telemetry::{Kind, METRICS, Metric, PROCESS_METRICS, Values};

use crate::Api;
use crate::relay::PATIENCE;

/// What `/metrics` said, every series of which is as the catalogue of metrics says.
#[derive(Debug, Clone)]
pub struct Metrics {
    series: BTreeMap<(String, Labels), f64>,
    /// As it came.
    pub text: String,
}

type Labels = BTreeMap<String, String>;

impl Metrics {
    /// Asks for them, and looks at each.
    pub async fn of(api: &Api) -> Self {
        let answer = api.get("/metrics").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        Self::read(answer.text().await.unwrap())
    }

    /// Reads a page in Prometheus' text format.
    #[must_use]
    pub fn read(text: String) -> Self {
        let mut series = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (named, value) = line.rsplit_once(' ').expect("a name and a value");
            let (name, labels) = named.split_once('{').unwrap_or((named, "}"));
            let labels = labels.strip_suffix('}').expect("a closing brace");
            let labels: Labels = labels.split_terminator("\",").map(label).collect();
            assert_catalogued(name, &labels);
            let value = value.parse().expect("a number");
            let before = series.insert((name.to_owned(), labels), value);
            assert_eq!(before, None, "{line} is there twice");
        }
        Self { series, text }
    }

    /// Waits until they are as `wanted` says.
    pub async fn until(api: &Api, what: &str, wanted: impl Fn(&Self) -> bool) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = Self::of(api).await;
            if wanted(&metrics) {
                return metrics;
            }
            assert!(Instant::now() < deadline, "{what}:\n{}", metrics.text);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The value of a series; of none it is 0.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.series.get(&(name.to_owned(), labels.collect())).copied().unwrap_or_default()
    }

    /// The values of all series of this name, together.
    #[must_use]
    pub fn sum(&self, name: &str) -> f64 {
        let of_name = self.series.iter().filter(|((one, _), _)| one == name);
        of_name.map(|(_, value)| value).sum()
    }

    /// How many series there are.
    #[must_use]
    pub fn series(&self) -> usize {
        self.series.len()
    }
}

fn label(text: &str) -> (String, String) {
    let (name, value) = text.split_once("=\"").expect("a label");
    (name.to_owned(), value.trim_end_matches('"').to_owned())
}

/// Whether the catalogue has such a series.
fn assert_catalogued(name: &str, labels: &Labels) {
    let (metric, mut labels) = catalogued(name, labels.clone());
    for label in metric.labels {
        let Some(value) = labels.remove(label.name) else { continue };
        assert!(!value.contains('@'), "{name}: {value} is an address");
        let allowed = match label.values {
            Values::OneOf(values) => values.contains(&value.as_str()),
            Values::Coded => {
                value.chars().all(|c| c.is_ascii_alphanumeric() || "_-./{}".contains(c))
            }
            Values::Configured | Values::Tenant => !value.is_empty(),
        };
        assert!(allowed, "{name}: {} is {value}", label.name);
    }
    assert!(labels.is_empty(), "{name} has {labels:?}");
}

fn catalogued(name: &str, mut labels: Labels) -> (&'static Metric, Labels) {
    let all = || METRICS.iter().chain(PROCESS_METRICS);
    if let Some(metric) = all().find(|one| one.name == name) {
        assert_ne!(metric.kind, Kind::Histogram, "{name} has no buckets");
        return (metric, labels);
    }
    let metric = all().find(|one| {
        let part = name.strip_prefix(one.name);
        one.kind == Kind::Histogram && matches!(part, Some("_bucket" | "_sum" | "_count"))
    });
    if name.ends_with("_bucket") {
        let bound = labels.remove("le").expect("a bound");
        assert!(bound == "+Inf" || bound.parse::<f64>().is_ok(), "{bound}");
    }
    (metric.unwrap_or_else(|| panic!("{name} is not in the catalogue")), labels)
}
