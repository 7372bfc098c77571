use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::{BODY_BYTES, fanout, ingest};
use crate::args::Plan;
use crate::collector::Collector;
use crate::process::cpu_seconds;
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
    let time = Duration::from_millis(if plan.quick { 300 } else { 3_000 });
    let collector = Collector::start()?;
    let mut cost: [[Spread; 4]; 4] = Default::default();
    for _ in 0..plan.rounds {
        let mut first = None;
        for ((name, telling), spreads) in ALL.iter().zip(&mut cost) {
            let start = || telling.start(site, &collector);
            let spread =
                fanout::round(&start()?, STREAMS, BODY_BYTES, (time, fanout::IN_FLIGHT[0]));
            let spread = spread.with_context(|| format!("fan-out, {name}"))?;
            let taken = publish(&start()?, time).with_context(|| format!("ingest, {name}"))?;
            let told =
                [spread.deliveries_per_second, spread.cpu_per_million, taken.per_second, taken.cpu];
            let off = *first.get_or_insert(told);
            for ((spread, told), off) in spreads.iter_mut().zip(told).zip(off) {
                spread.push(told / off);
            }
        }
    }
    let mut table = Table::new(["tells", "deliveries/s", "CPU each", "publishes/s", "CPU each"]);
    for ((name, _), spreads) in ALL.iter().zip(&cost) {
        let [rate, cpu, taken, taken_cpu] = spreads.each_ref().map(ToString::to_string);
        table.row([(*name).to_owned(), rate, cpu, taken, taken_cpu]);
    }
    let figures = ALL.iter().zip(&cost).map(|((name, _), spreads)| {
        let [rate, cpu, taken, taken_cpu] = spreads.each_ref().map(Spread::json);
        json!({
            "tells": name, "deliveries_to_off": rate, "cpu_of_deliveries_to_off": cpu,
            "publishes_to_off": taken, "cpu_of_publishes_to_off": taken_cpu,
        })
    });
    let figures = json!(figures.collect::<Vec<_>>());
    let title = format!(
        "what telling costs, as ratios to `off`: fan-out to {STREAMS} streams, and publishes without any"
    );
    report.table(&title, "overhead", &table, figures)
}

/// What publishing showed.
struct Taken {
    per_second: f64,
    /// Processor seconds of the server for one publish.
    cpu: f64,
}

fn publish(server: &Server, time: Duration) -> anyhow::Result<Taken> {
    let before = cpu_seconds(server.pid())?;
    let published = ingest::publish(server, time)?;
    let cpu = (cpu_seconds(server.pid())? - before) / published.events as f64;
    Ok(Taken { per_second: published.per_second(), cpu })
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
