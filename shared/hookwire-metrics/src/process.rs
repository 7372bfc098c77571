use std::time::{SystemTime, UNIX_EPOCH};

use hookwire_telemetry::PROCESS_METRICS;

use crate::registry::{Collected, Value};

/// What the system says of this process, under the names that every client of Prometheus has for it; what it does not say is
/// left out.
pub(crate) fn collect() -> Vec<Collected> {
    let Process { cpu_s, threads, resident, virtual_, started_s } =
        Process::read().unwrap_or_default();
    let value = |name: &str| match name {
        "process_cpu_seconds_total" => cpu_s,
        "process_resident_memory_bytes" => resident,
        "process_virtual_memory_bytes" => virtual_,
        "process_start_time_seconds" => started_s,
        "process_threads" => threads,
        "process_open_fds" => open_descriptors(),
        "process_max_fds" => most_descriptors(),
        _ => None,
    };
    let collected = PROCESS_METRICS.iter().filter_map(|metric| {
        let value = Value::Gauge(value(metric.name)?);
        Some(Collected { metric, series: vec![(Vec::new(), value)] })
    });
    collected.collect()
}

/// Of `/proc/self/stat`.
#[derive(Debug, Default)]
struct Process {
    cpu_s: Option<f64>,
    threads: Option<f64>,
    resident: Option<f64>,
    virtual_: Option<f64>,
    started_s: Option<f64>,
}

impl Process {
    /// Source: <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
    fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name may hold blanks and brackets; what follows its last bracket is field 3.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<f64> =
            fields.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect();
        let field = |number: usize| fields.get(number - 3).copied();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let page = rustix::param::page_size() as f64;
        Some(Self {
            cpu_s: field(14).zip(field(15)).map(|(user, system)| (user + system) / ticks),
            threads: field(20),
            virtual_: field(23),
            resident: field(24).map(|pages| pages * page),
            started_s: field(22).and_then(|since_boot| Some(booted_s()? + since_boot / ticks)),
        })
    }
}

/// When the machine was started, in seconds since 1970.
fn booted_s() -> Option<f64> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Some(SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64() - uptime)
}

fn open_descriptors() -> Option<f64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

fn most_descriptors() -> Option<f64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map(|most| most as f64)
}
