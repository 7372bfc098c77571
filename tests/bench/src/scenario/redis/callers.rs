use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use hookwire_event::{EventId, encode_record};
use hookwire_log::{Appended, Log, Retention};
use hookwire_log_redis::{RedisLog, RedisLogConfig};
use redis::{AsyncConnectionConfig, Client};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::event::{body, event};
use crate::scenario::BODY_BYTES;
use crate::scenario::RECORD_BYTES;
use crate::scenario::ingest::CONNECTIONS;

/// What was appended in a while.
#[derive(Debug, Clone, Copy)]
pub struct Appends {
    pub events: u64,
    pub took: Duration,
}

/// Appends with bare `XADD`s to one stream, `depth` of them in a pipeline of each of so many connections.
pub fn xadd(
    url: &str,
    connections: usize,
    depth: usize,
    time: Duration,
) -> anyhow::Result<Appends> {
    let record = vec![b'x'; RECORD_BYTES];
    let mut pipeline = redis::pipe();
    for _ in 0..depth {
        pipeline.cmd("XADD").arg("bare").arg("*").arg("r").arg(&record).ignore();
    }
    let pipeline = Arc::new(pipeline);
    runtime()?.block_on(async {
        let client = Client::open(url)?;
        let patient = AsyncConnectionConfig::new().set_response_timeout(None);
        let mut opened = Vec::new();
        for _ in 0..connections {
            let connection = client.get_multiplexed_async_connection_with_config(&patient);
            opened.push(connection.await?);
        }
        let (start, mut appending) = (Instant::now(), JoinSet::new());
        for mut connection in opened {
            let pipeline = Arc::clone(&pipeline);
            appending.spawn(async move {
                let mut events = 0;
                while start.elapsed() < time {
                    pipeline.query_async::<()>(&mut connection).await?;
                    events += depth as u64;
                }
                anyhow::Ok(events)
            });
        }
        total(start, appending).await
    })
}

/// Appends through the crate, to so many topics, with as many appends waiting as there are connections above.
pub fn script(url: &str, topics: usize, time: Duration) -> anyhow::Result<Appends> {
    // A round appends more than a topic keeps by default, and every event is counted at its end.
    let retention = Retention { events: 2_000_000, bytes: 1 << 30, ..Retention::default() };
    let mut config = RedisLogConfig::new(url.parse()?, retention);
    config.redis.answer_within = Duration::from_secs(5);
    let padding = padding()?;
    runtime()?.block_on(async {
        let log = Arc::new(RedisLog::new(&config)?);
        let (start, mut appending) = (Instant::now(), JoinSet::new());
        for caller in 0..CONNECTIONS {
            let log = Arc::clone(&log);
            let model = event(&format!("bench/{}", caller % topics), &id(caller, 0), &padding)?;
            appending.spawn(async move {
                let mut events = 0;
                while start.elapsed() < time {
                    let event = hookwire_event::Event {
                        id: EventId::parse(&id(caller, events))?,
                        ..model.clone()
                    };
                    let appended = log.append(event).await?;
                    ensure!(matches!(appended, Appended::New(_)), "a new event was a duplicate");
                    events += 1;
                }
                anyhow::Ok(events)
            });
        }
        total(start, appending).await
    })
}

/// Everything that loads Redis stays on the load's core, where this thread is.
fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn total(
    start: Instant,
    mut appending: JoinSet<anyhow::Result<u64>>,
) -> anyhow::Result<Appends> {
    let mut events = 0;
    while let Some(appended) = appending.join_next().await {
        events += appended??;
    }
    Ok(Appends { events, took: start.elapsed() })
}

/// An event's id, always of one length: about that of a UUID.
fn id(caller: usize, number: u64) -> String {
    format!("bench-{caller:010}-{number:019}")
}

/// Data that makes an event's record exactly as large as what a bare `XADD` stores.
fn padding() -> anyhow::Result<String> {
    let record = encode_record(&event("bench", &id(0, 0), &body(BODY_BYTES))?);
    ensure!(record.len() < RECORD_BYTES, "a record of {} bytes is too large", record.len());
    Ok(body(BODY_BYTES + RECORD_BYTES - record.len()))
}
