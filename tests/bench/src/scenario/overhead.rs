use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::{fanout, ingest};
use crate::args::Plan;
use crate::collector::Collector;
use crate::report::{Report, Table};
use crate::server::{Server, Site};
use crate::spread::Spread;

const STREAMS: usize = 1_000;

/// How much a relay tells of itself.
#[derive(Debug, Clone, Copy)]
enum Telling {
    /// No metrics.
    Nothing,
    /// Metrics, as without any setting.
    Default,
    /// Metrics, Sentry, and a trace of one request in a hundred.
    Full,
    /// Metrics, Sentry, and a trace of every request.
    Everything,
}

const ALL: [(&str, Telling); 4] = [
    ("off", Telling::Nothing),
    ("default", Telling::Default),
    ("full", Telling::Full),
    ("full, all traced", Telling::Everything),
];

/// What metrics and traces cost: the same load on relays that tell more and more of themselves, in the same rounds.
pub fn measure(site: &Site, plan: &Plan, report: &mut Report) -> anyhow::Result<()> {
    let time = Duration::from_millis(if plan.quick { 700 } else { 3_000 });
    let collector = Collector::start()?;
    let mut cost: [[Spread; 4]; 4] = Default::default();
    for _ in 0..plan.rounds {
        let mut first = None;
        for ((name, telling), spreads) in ALL.iter().zip(&mut cost) {
            let start = || telling.start(site, &collector);
            let spread = fanout::round(&start()?, STREAMS, time);
            let spread = spread.with_context(|| format!("fan-out, {name}"))?;
            let taken =
                ingest::publish(&start()?, time).with_context(|| format!("ingest, {name}"))?;
            let [fanned, cpu, took, speed] = spreads;
            let (rate, pushes) = (spread.deliveries_per_second, taken.per_second());
            let off = *first.get_or_insert((rate, spread.cpu_per_million, pushes));
            fanned.push(rate / off.0);
            cpu.push(spread.cpu_per_million / off.1);
            took.push(pushes / off.2);
            speed.push(rate / 1e3);
        }
    }
    let mut table =
        Table::new(["tells", "fan-out thousand/s", "rate/off", "CPU/off", "ingest rate/off"]);
    for ((name, _), [fanned, cpu, took, rate]) in ALL.iter().zip(&cost) {
        table.row([
            (*name).to_owned(),
            rate.to_string(),
            fanned.to_string(),
            cpu.to_string(),
            took.to_string(),
        ]);
    }
    let figures = ALL.iter().zip(&cost).map(|((name, _), [fanned, cpu, took, rate])| {
        json!({
            "tells": name, "thousand_deliveries_per_second": rate.json(), "rate_to_off": fanned.json(),
            "cpu_to_off": cpu.json(), "ingest_to_off": took.json(),
        })
    });
    let figures = json!(figures.collect::<Vec<_>>());
    let title =
        format!("what telling costs: fan-out to {STREAMS} streams, and publishes without any");
    report.table(&title, "overhead", &table, figures)
}

impl Telling {
    fn start(self, site: &Site, collector: &Collector) -> anyhow::Result<Server> {
        let (traces, sentry) = (collector.url(), collector.dsn());
        let full = |ratio| {
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", traces.as_str()),
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", ratio),
                ("SENTRY_DSN", sentry.as_str()),
            ]
        };
        match self {
            Self::Nothing => site.relay_with("memory:", &[("HOOKWIRE_METRICS", "off")]),
            Self::Default => site.relay_with("memory:", &[]),
            Self::Full => site.relay_with("memory:", &full("0.01")),
            Self::Everything => site.relay_with("memory:", &full("1")),
        }
    }
}
