use std::fmt::Write;

use crate::{Kind, METRICS, Metric, PROCESS_METRICS, Unit, Values};

/// Every metric as a table, for `infra/metrics.md`.
#[must_use]
pub fn markdown_table() -> String {
    let mut table =
        String::from("| Metric | Kind | Labels | CloudWatch | Meaning |\n|---|---|---|---|---|\n");
    for metric in METRICS.iter().chain(PROCESS_METRICS) {
        let Metric { name, help, .. } = metric;
        let cloudwatch = if metric.cloudwatch { "yes" } else { "" };
        // A text takes everything.
        let _always = writeln!(
            table,
            "| `{name}` | {} | {} | {cloudwatch} | {help} |",
            kind(metric),
            labels(metric)
        );
    }
    table
}

fn kind(metric: &Metric) -> &'static str {
    match (metric.kind, metric.unit) {
        (Kind::Counter, _) => "counter",
        (Kind::Gauge, Unit::Count) => "gauge",
        (Kind::Gauge, Unit::Seconds) => "gauge, seconds",
        (Kind::Gauge, Unit::Bytes) => "gauge, bytes",
        (Kind::Histogram, Unit::Count) => "histogram",
        (Kind::Histogram, Unit::Seconds) => "histogram, seconds",
        (Kind::Histogram, Unit::Bytes) => "histogram, bytes",
    }
}

fn labels(metric: &Metric) -> String {
    let labels = metric.labels.iter().map(|label| match label.values {
        Values::OneOf(values) => format!("`{}` ({})", label.name, values.join(", ")),
        Values::Configured | Values::Coded | Values::Tenant => format!("`{}`", label.name),
    });
    labels.collect::<Vec<_>>().join(", ")
}
