use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::process::cpu_seconds;
use crate::report::{Report, Table};
use crate::scenario::BODY_BYTES;
use crate::scenario::ingest::{CONNECTIONS, publish};
use crate::server::Site;
use crate::spread::Spread;

type Open = fn(&Site) -> anyhow::Result<Backend>;

/// The first one is what the others are compared with.
pub const LOGS: [(&str, Open); 3] = [
    ("relay, log in memory", |_| Ok(Backend::Memory)),
    ("relay, log on disk", Backend::fjall),
    ("relay, log in Redis", Backend::redis),
];

/// What one round of a relay over one log showed.
#[derive(Debug)]
pub struct Round {
    per_second: f64,
    /// Processor time of the relay for one event.
    relay_us: f64,
    load_busy: f64,
    redis: Option<RedisRound>,
}

/// What Redis did for it.
#[derive(Debug)]
struct RedisRound {
    us: f64,
    events_per_call: f64,
}

pub fn round(site: &Site, open: Open, time: Duration) -> anyhow::Result<Round> {
    let log = open(site)?;
    let relay = site.relay(&log.address())?;
    let redis = match &log {
        Backend::Redis(redis) => Some(redis),
        Backend::Memory | Backend::Fjall(_) => None,
    };
    let cpu = || {
        let redis = redis.map_or(Ok(0.0), |redis| cpu_seconds(redis.pid))?;
        anyhow::Ok([cpu_seconds(relay.pid())?, cpu_seconds(std::process::id())?, redis])
    };
    let before = cpu()?;
    let published = publish(&relay, time)?;
    let after = cpu()?;
    let [relay_cpu, load_cpu, redis_cpu] = [0, 1, 2].map(|of| after[of] - before[of]);
    let events = published.events as f64;
    if let Some(redis) = redis {
        let (answered, kept) = (published.events, redis.entries()?);
        ensure!(kept == answered, "{answered} publishes were answered, and {kept} are in the log");
    }
    let redis = redis.map(|redis| {
        let events_per_call = events / redis.script_calls()? as f64;
        anyhow::Ok(RedisRound { us: redis_cpu * 1e6 / events, events_per_call })
    });
    Ok(Round {
        per_second: published.per_second(),
        relay_us: relay_cpu * 1e6 / events,
        load_busy: load_cpu / published.took.as_secs_f64(),
        redis: redis.transpose()?,
    })
}

pub fn show(logs: &[Vec<Round>; LOGS.len()], report: &mut Report) -> anyhow::Result<()> {
    let mut table = Table::new([
        "publishes",
        "per second",
        "this/memory",
        "relay µs/event",
        "Redis µs/event",
        "events/call",
        "load busy",
    ]);
    let [memory, ..] = logs;
    let rows = LOGS.iter().zip(logs);
    let figures = rows.map(|((name, _), this)| row(&mut table, name, memory, this));
    let figures = json!(figures.collect::<Vec<_>>());
    let title = format!(
        "{BODY_BYTES}-byte publishes to one topic on {CONNECTIONS} connections, 0 streams; Redis shares the relay's core"
    );
    report.table(&title, "redis_publish", &table, figures)
}

fn row(table: &mut Table, name: &str, memory: &[Round], this: &[Round]) -> Value {
    let spread = |figure: fn(&Round) -> f64| this.iter().map(figure).collect::<Spread>();
    let rate = spread(|round| round.per_second);
    let ratios = this.iter().zip(memory).map(|(this, memory)| this.per_second / memory.per_second);
    let ratio: Spread = ratios.collect();
    let relay_cpu = spread(|round| round.relay_us);
    let load_busy = spread(|round| round.load_busy);
    let of_redis = |figure: fn(&RedisRound) -> f64| {
        let rounds = this.iter().map(|round| round.redis.as_ref().map(figure));
        rounds.collect::<Option<Spread>>()
    };
    let redis_cpu = of_redis(|redis| redis.us);
    let events_per_call = of_redis(|redis| redis.events_per_call);
    let shown = |figure: &Option<Spread>| figure.as_ref().map_or("–".to_owned(), Spread::to_string);
    table.row([
        name.to_owned(),
        rate.to_string(),
        ratio.to_string(),
        relay_cpu.to_string(),
        shown(&redis_cpu),
        shown(&events_per_call),
        format!("{:.0} %", load_busy.median() * 100.0),
    ]);
    json!({
        "publishes": name, "per_second": rate.json(), "this_to_memory": ratio.json(),
        "relay_us_per_event": relay_cpu.json(), "redis_us_per_event": redis_cpu.map(|cpu| cpu.json()),
        "events_per_call": events_per_call.map(|events| events.json()), "load_busy": load_busy.json(),
    })
}
