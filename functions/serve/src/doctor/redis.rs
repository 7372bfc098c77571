use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hookwire_edges::Words;
use hookwire_log_redis::{RedisLog, RedisLogConfig, ServerReport};
use hookwire_redis::redis::{FromRedisValue, cmd};
use hookwire_redis::{Call, Fault, Purpose, Redis, Script};

use super::plain::plain;
use super::rights::rights;
use super::{Finding, Level, clock};

const ABOUT: &str = "redis";

/// Reads of which the middle one counts.
const READS: usize = 20;
/// A push makes two or three calls, and is to be answered within 100 ms.
const SLOW: Duration = Duration::from_millis(10);
/// What a start of another relay, or a look by hand, needs beside our own connections.
const SPARE: u64 = 16;

/// Whether Redis answers, what it is, and what puts the log at risk there.
pub(super) async fn reached(config: &RedisLogConfig) -> Vec<Finding> {
    match report(config).await {
        Ok((_, reports)) => told(config, &reports),
        Err(finding) => vec![finding],
    }
}

/// All about it.
pub(super) async fn examined(config: &RedisLogConfig) -> Vec<Finding> {
    let (redis, reports) = match report(config).await {
        Ok(answered) => answered,
        Err(finding) => return vec![finding],
    };
    let mut findings = told(config, &reports);
    findings.extend(reports.iter().map(|report| connections(report, config.redis.connections)));
    findings.push(encryption(config));
    if reports.iter().any(|report| !report.faults.is_empty()) {
        // What it refuses would be taken for rights that are missing.
        return findings;
    }
    findings.extend(rights(&redis).await);
    findings.extend(latency(&redis).await);
    findings.extend(time(&redis).await);
    findings
}

async fn report(config: &RedisLogConfig) -> Result<(Arc<Redis>, Vec<ServerReport>), Finding> {
    let unusable = |error: anyhow::Error| {
        let words = Words::REDIS_UNREACHABLE;
        let cause = format!("{error:#}");
        let (why, todo) = plain(&cause).unwrap_or(("", words.todo));
        let text = format!("{} does not answer: {why}{cause}", config.redis.address);
        Finding::bad(ABOUT, text, todo).of(words.incident)
    };
    let redis = Redis::new(&config.redis).map_err(|error| unusable(error.into()))?;
    let redis = Arc::new(redis);
    let reports = RedisLog::on(Arc::clone(&redis), config).report().await;
    Ok((redis, reports.map_err(|error| unusable(error.into()))?))
}

fn told(config: &RedisLogConfig, reports: &[ServerReport]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for report in reports {
        findings.push(Finding::ok(ABOUT, format!("{} is {report}", config.redis.address)));
        let faults = report.faults.iter().map(|fault| {
            Finding::advice(Level::Bad, ABOUT, fault).of(Words::REDIS_REFUSES.incident)
        });
        findings.extend(faults);
        let warnings = report.warnings.iter();
        findings.extend(warnings.map(|warning| Finding::advice(Level::Warn, ABOUT, warning)));
    }
    findings
}

fn connections(report: &ServerReport, ours: usize) -> Finding {
    // A quarter more for what relays share, and the subscription.
    let needed = (ours + ours / 4 + 1) as u64;
    match report.connections {
        Some((open, most)) if most.saturating_sub(open) < needed + SPARE => Finding::warn(
            ABOUT,
            format!("{open} of {most} connections are open, and a relay may open {needed}"),
            "raise maxclients, or lower `redis_connections`",
        ),
        Some((open, most)) => Finding::ok(ABOUT, format!("{open} of {most} connections are open")),
        None => Finding::ok(ABOUT, "it does not tell how many connections it takes"),
    }
}

fn encryption(config: &RedisLogConfig) -> Finding {
    let address = &config.redis.address;
    match (address.is_encrypted(), address.is_loopback()) {
        (true, _) => Finding::ok(ABOUT, "over TLS, with a certificate that is trusted"),
        (false, true) => Finding::ok(ABOUT, "without TLS, on this machine"),
        (false, false) => Finding::warn(
            ABOUT,
            "without TLS, so that whoever is on the way reads events and the password",
            "use rediss://, unless the network is your own",
        ),
    }
}

async fn latency(redis: &Redis) -> Vec<Finding> {
    let key = redis.keys().probe();
    let mut get = cmd("GET");
    get.arg(&key);
    let mut took = Vec::with_capacity(READS);
    for _ in 0..READS {
        let start = Instant::now();
        if let Err(fault) = redis.call(Purpose::Read, Call::Command(&get, Some(&key))).await {
            return unread(&fault);
        }
        took.push(start.elapsed());
    }
    took.sort_unstable();
    let middle = took.get(READS / 2).copied().unwrap_or_default();
    vec![slow(middle)]
}

fn slow(middle: Duration) -> Finding {
    let text = format!("it answers within {:.1} ms", middle.as_secs_f64() * 1_000.0);
    match middle > SLOW {
        true => Finding::warn(ABOUT, text, "have it nearer, or look what keeps it (SLOWLOG GET)")
            .of("webhooks-slow"),
        false => Finding::ok(ABOUT, text),
    }
}

async fn time(redis: &Redis) -> Vec<Finding> {
    let key = redis.keys().probe();
    // The clock that scripts go by, of the server that has this key.
    let time = Script::new("return redis.call('TIME')");
    let asked = SystemTime::now();
    let answer = redis.call(Purpose::Read, Call::Script(&time, &[&key], &[])).await;
    let answered = SystemTime::now();
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) => return unread(&fault),
    };
    let Ok((seconds, micros)) = <(u64, u64)>::from_redis_value(answer) else {
        return vec![Finding::ok("clock", "Redis tells no time")];
    };
    let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, 0) + Duration::from_micros(micros);
    vec![clock::compared("Redis", (time, time), (asked, answered))]
}

/// A server that answered a moment ago, or that does not let us; the latter is told with the rights.
fn unread(fault: &Fault) -> Vec<Finding> {
    match fault {
        Fault::Refused(_) => Vec::new(),
        _ => vec![Finding::words(ABOUT, Words::REDIS_UNREACHABLE, &fault.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_server_and_one_that_is_nearly_full_are_told() {
        assert_eq!(slow(Duration::from_millis(1)).level, Level::Ok);
        assert_eq!(slow(Duration::from_millis(11)).level, Level::Warn);
        let report = |connections| ServerReport {
            version: "7.0.15".into(),
            role: "master".into(),
            replicas: 1,
            connections,
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        let level = |open, most| connections(&report(Some((open, most))), 50).level;
        assert_eq!(level(100, 10_000), Level::Ok);
        assert_eq!(level(9_950, 10_000), Level::Warn);
        assert_eq!(connections(&report(None), 50).level, Level::Ok);
    }
}
