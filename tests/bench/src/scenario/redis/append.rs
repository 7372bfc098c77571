use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::callers::{Appends, script, xadd};
use crate::process::cpu_seconds;
use crate::report::{Report, Table};
use crate::scenario::RECORD_BYTES;
use crate::scenario::ingest::CONNECTIONS;
use crate::server::Site;
use crate::spread::Spread;

/// Appends to the Redis at an address for so long.
pub type Way = fn(&str, Duration) -> anyhow::Result<Appends>;

/// The first two are what the others are compared with.
pub const WAYS: [(&str, Way); 4] = [
    ("bare XADD", |url, time| xadd(url, CONNECTIONS, 1, time)),
    ("bare XADD, 16 in a pipeline", |url, time| xadd(url, CONNECTIONS, 16, time)),
    ("append script, one topic", |url, time| script(url, 1, time)),
    ("append script, a topic each", |url, time| script(url, CONNECTIONS, time)),
];

/// What one round of one way showed.
#[derive(Debug)]
pub struct Round {
    per_second: f64,
    /// Processor time of Redis for one event.
    redis_us: f64,
    /// Events that shared a call of the script; not a number without it.
    events_per_call: f64,
    redis_busy: f64,
    /// Near 1 the load is the limit, and not Redis.
    load_busy: f64,
}

pub fn round(site: &Site, way: Way, time: Duration) -> anyhow::Result<Round> {
    let redis = site.redis()?;
    let cpu = || anyhow::Ok((cpu_seconds(redis.pid)?, cpu_seconds(std::process::id())?));
    let before = cpu()?;
    let Appends { events, took } = way(&redis.url, time)?;
    let after = cpu()?;
    let (kept, took) = (redis.entries()?, took.as_secs_f64());
    ensure!(kept == events, "{events} appends were answered, and {kept} entries are in the log");
    Ok(Round {
        per_second: events as f64 / took,
        redis_us: (after.0 - before.0) * 1e6 / events as f64,
        events_per_call: match redis.script_calls()? {
            0 => f64::NAN,
            calls => events as f64 / calls as f64,
        },
        redis_busy: (after.0 - before.0) / took,
        load_busy: (after.1 - before.1) / took,
    })
}

pub fn show(ways: &[Vec<Round>; WAYS.len()], report: &mut Report) -> anyhow::Result<()> {
    let mut table = Table::new([
        "appends",
        "per second",
        "this/XADD",
        "Redis µs/event",
        "CPU this/XADD",
        "CPU this/pipeline",
        "events/call",
        "Redis busy",
        "load busy",
    ]);
    let [single, pipelined, ..] = ways;
    let rows = WAYS.iter().zip(ways);
    let figures = rows.map(|((name, _), this)| row(&mut table, name, single, pipelined, this));
    let figures = json!(figures.collect::<Vec<_>>());
    let title = format!(
        "appends to Redis, records of {RECORD_BYTES} bytes, {CONNECTIONS} waiting at once (16 times as many in the \
         pipelines); each is in the log"
    );
    report.table(&title, "redis_append", &table, figures)
}

fn row(
    table: &mut Table,
    name: &str,
    single: &[Round],
    pipelined: &[Round],
    this: &[Round],
) -> Value {
    let spread = |figure: fn(&Round) -> f64| this.iter().map(figure).collect::<Spread>();
    // Of each round, not of the medians: what disturbs a round disturbs both.
    let ratio = |to: &[Round], figure: fn(&Round) -> f64| -> Spread {
        this.iter().zip(to).map(|(this, to)| figure(this) / figure(to)).collect()
    };
    let rate = spread(|round| round.per_second);
    let rate_ratio = ratio(single, |round| round.per_second);
    let cpu = spread(|round| round.redis_us);
    let cpu_to_single = ratio(single, |round| round.redis_us);
    let cpu_to_pipelined = ratio(pipelined, |round| round.redis_us);
    let events_per_call = spread(|round| round.events_per_call);
    let redis_busy = spread(|round| round.redis_busy);
    let load_busy = spread(|round| round.load_busy);
    let is_script = events_per_call.median().is_finite();
    table.row([
        name.to_owned(),
        rate.to_string(),
        rate_ratio.to_string(),
        cpu.to_string(),
        cpu_to_single.to_string(),
        cpu_to_pipelined.to_string(),
        if is_script { format!("{:.1}", events_per_call.median()) } else { "–".to_owned() },
        format!("{:.0} %", redis_busy.median() * 100.0),
        format!("{:.0} %", load_busy.median() * 100.0),
    ]);
    json!({
        "appends": name, "per_second": rate.json(), "this_to_xadd": rate_ratio.json(), "redis_us_per_event": cpu.json(),
        "cpu_this_to_xadd": cpu_to_single.json(), "cpu_this_to_pipeline": cpu_to_pipelined.json(),
        "events_per_call": is_script.then(|| events_per_call.json()), "redis_busy": redis_busy.json(),
        "load_busy": load_busy.json(),
    })
}
