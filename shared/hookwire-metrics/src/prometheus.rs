use std::fmt::Write;

use hookwire_telemetry::{Kind, Metric, Unit};

use crate::cells::{BILLIONTHS, Held};
use crate::labels::Labels;
use crate::registry::{Collected, Value};
use crate::{Registry, process};

/// How metrics are written for whoever collects them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus' own text format, which everybody reads.
    ///
    /// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>
    Text,
    /// The standard made of it, in its version 1.0.
    ///
    /// Source: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>
    OpenMetrics,
}

impl Exposition {
    /// The one that whoever sends this `Accept` likes best.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        // The quality, in thousandths, of the first part that names the type; nothing when none does.
        let quality = |media_type: &str| {
            accept.split(',').find_map(|part| {
                let mut parameters = part.split(';').map(str::trim);
                let named = parameters.next()?.eq_ignore_ascii_case(media_type);
                let quality = parameters.find_map(|parameter| parameter.strip_prefix("q="));
                named.then(|| quality.and_then(|q| q.parse().ok()).unwrap_or(1.0_f64))
            })
        };
        let open = quality("application/openmetrics-text").unwrap_or_default();
        let text = quality("text/plain").or_else(|| quality("*/*")).unwrap_or_default();
        if open > 0.0 && open >= text { Self::OpenMetrics } else { Self::Text }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Registry {
    /// Everything that is counted here, and what the system says of the process.
    #[must_use]
    pub fn exposed(&self, exposition: Exposition) -> String {
        let mut page = Page { exposition, text: String::with_capacity(32 * 1024) };
        for collected in self.collect().iter().chain(&process::collect()) {
            page.metric(collected);
        }
        if exposition == Exposition::OpenMetrics {
            page.text.push_str("# EOF\n");
        }
        page.text
    }
}

struct Page {
    exposition: Exposition,
    text: String,
}

impl Page {
    fn metric(&mut self, Collected { metric, series }: &Collected) {
        let Metric { name, kind, unit, help, .. } = metric;
        let family = match self.exposition {
            Exposition::Text => name,
            Exposition::OpenMetrics => name.strip_suffix("_total").unwrap_or(name),
        };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {family} {help}"));
        self.line(format_args!("# TYPE {family} {kind}"));
        if self.exposition == Exposition::OpenMetrics && *unit == Unit::Seconds {
            self.line(format_args!("# UNIT {family} seconds"));
        }
        for (labels, value) in series {
            let names = names(labels);
            match value {
                Value::Counter(count) => self.sample(name, "", &names, count),
                Value::Gauge(value) => self.sample(name, "", &names, value),
                Value::Histogram(held) => self.histogram(metric, &names, held),
            }
        }
    }

    fn histogram(&mut self, metric: &Metric, names: &str, held: &[Held]) {
        let comma = if names.is_empty() { "" } else { "," };
        let (mut count, mut sum) = (0, 0);
        let bounds = metric.unit.bounds().iter().map(|bound| format!("{bound:?}"));
        for (bound, held) in bounds.chain(["+Inf".to_owned()]).zip(held) {
            count += held.count;
            sum += held.sum;
            let names = format!("{names}{comma}le=\"{bound}\"");
            self.sample(metric.name, "_bucket", &names, &count);
        }
        self.sample(metric.name, "_sum", names, &(sum as f64 / BILLIONTHS));
        self.sample(metric.name, "_count", names, &count);
    }

    fn sample(&mut self, name: &str, suffix: &str, names: &str, value: &dyn std::fmt::Display) {
        if names.is_empty() {
            self.line(format_args!("{name}{suffix} {value}"));
        } else {
            self.line(format_args!("{name}{suffix}{{{names}}} {value}"));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A text takes everything.
        let _always = self.text.write_fmt(line);
        self.text.push('\n');
    }
}

/// As they stand between braces.
fn names(labels: &Labels) -> String {
    let mut names = String::new();
    for (name, value) in labels {
        if !names.is_empty() {
            names.push(',');
        }
        names.push_str(name);
        names.push_str("=\"");
        for character in value.chars() {
            match character {
                '\\' => names.push_str("\\\\"),
                '"' => names.push_str("\\\""),
                '\n' => names.push_str("\\n"),
                other => names.push(other),
            }
        }
        names.push('"');
    }
    names
}

#[cfg(test)]
mod tests {
    use metrics::{counter, gauge, histogram, with_local_recorder};

    use super::*;

    fn registry() -> Registry {
        let registry = Registry::new();
        with_local_recorder(&registry, || {
            let labels = [("source", "a\"b\\c\nd"), ("outcome", "appended")];
            counter!("hookwire_webhooks_total", &labels).increment(3);
            gauge!("hookwire_streams_open").set(2.5);
            let delivered = histogram!("hookwire_delivery_latency_seconds");
            for seconds in [0.0001, 0.001, 0.0015, 1.0, 3_600.0] {
                delivered.record(seconds);
            }
        });
        registry
    }

    #[test]
    fn prometheus_reads_names_types_labels_and_buckets() {
        let text = registry().exposed(Exposition::Text);
        for line in [
            "# TYPE hookwire_webhooks_total counter",
            "hookwire_webhooks_total{source=\"a\\\"b\\\\c\\nd\",outcome=\"appended\"} 3",
            "# TYPE hookwire_streams_open gauge",
            "hookwire_streams_open 2.5",
            "# TYPE hookwire_delivery_latency_seconds histogram",
            // A bound belongs to its bucket.
            "hookwire_delivery_latency_seconds_bucket{le=\"0.0001\"} 1",
            "hookwire_delivery_latency_seconds_bucket{le=\"0.001\"} 2",
            "hookwire_delivery_latency_seconds_bucket{le=\"0.0025\"} 3",
            "hookwire_delivery_latency_seconds_bucket{le=\"1.0\"} 4",
            "hookwire_delivery_latency_seconds_bucket{le=\"60.0\"} 4",
            "hookwire_delivery_latency_seconds_bucket{le=\"+Inf\"} 5",
            "hookwire_delivery_latency_seconds_sum 3601.0026",
            "hookwire_delivery_latency_seconds_count 5",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(!text.contains("# EOF"));
    }

    #[test]
    fn openmetrics_names_families_without_their_suffix_and_has_an_end() {
        let text = registry().exposed(Exposition::OpenMetrics);
        assert!(text.contains("# TYPE hookwire_webhooks counter\n"), "{text}");
        assert!(text.contains("# UNIT hookwire_delivery_latency_seconds seconds\n"), "{text}");
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }

    #[test]
    fn a_process_tells_of_itself_what_every_client_tells() {
        let text = Registry::new().exposed(Exposition::Text);
        for metric in hookwire_telemetry::PROCESS_METRICS {
            let value = text.lines().find_map(|line| line.strip_prefix(metric.name));
            let value: f64 = value.expect(metric.name).trim().parse().unwrap();
            assert!(value >= 0.0, "{}", metric.name);
            assert!(value > 0.0 || metric.name == "process_cpu_seconds_total", "{}", metric.name);
        }
    }

    #[test]
    fn whoever_collects_gets_the_format_that_it_likes_best() {
        // As Prometheus 2.42 and 3 ask.
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let text_first = "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5";
        for (accept, exposition) in [
            (prometheus, Exposition::OpenMetrics),
            ("application/openmetrics-text; version=1.0.0", Exposition::OpenMetrics),
            (text_first, Exposition::Text),
            ("application/openmetrics-text;q=0, */*", Exposition::Text),
            ("text/html,*/*;q=0.8", Exposition::Text),
            ("", Exposition::Text),
        ] {
            assert_eq!(Exposition::accepted(accept), exposition, "{accept}");
        }
    }
}
