use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hookwire_edges::Words;

use super::{Finding, Level, listen};

const ABOUT: &str = "log";

/// Syncs of which the middle one counts.
const SYNCS: usize = 5;
/// What is written before each.
const WRITTEN_BYTES: usize = 4096;
/// A push waits for one, and is to be answered within 100 ms.
const SLOW: Duration = Duration::from_millis(30);
/// Less than this is soon used up: a log keeps 64 MiB of a topic by default, and as much that is garbage.
const LOW_BYTES: u64 = 1 << 30;
/// Less than this is used up.
const NONE_BYTES: u64 = 128 << 20;

/// The folder of a log on disk. Nothing in it is opened: a running relay has it.
pub(super) async fn disk(path: PathBuf, listen: SocketAddr) -> Vec<Finding> {
    let examined = tokio::task::spawn_blocking(move || examined(&path, listen)).await;
    examined.unwrap_or_else(|died| {
        vec![Finding::bad(ABOUT, format!("the look at it ended: {died}"), "try again")]
    })
}

fn examined(path: &Path, listen: SocketAddr) -> Vec<Finding> {
    let shown = path.display();
    // The relay makes what is missing.
    let there = path.ancestors().find(|above| above.exists() || above.as_os_str().is_empty());
    let there = match there {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    let mut findings = Vec::new();
    match synced(there) {
        Err(error) => {
            let todo = "give a folder that this user may write, or free its disk";
            let text = format!("{shown} cannot be written: {error}");
            return vec![Finding::bad(ABOUT, text, todo).of(Words::LOG_BROKEN.incident)];
        }
        Ok(took) => findings.push(slow(took)),
    }
    let missing = if there == path { "" } else { ", which is made at the start" };
    findings.insert(0, Finding::ok(ABOUT, format!("events are kept in {shown}{missing}")));
    if let Ok(free) = free_bytes(there) {
        findings.push(space(free));
    }
    match hookwire_log_fjall::is_in_use(path) {
        Ok(true) if listen::is_taken(listen) => {
            findings.push(Finding::ok(ABOUT, "a running process has it open"));
        }
        Ok(true) => {
            let text = format!("another process has {shown} open, and none listens on {listen}");
            let todo = "stop it, or give this relay a folder of its own";
            findings.push(Finding::bad(ABOUT, text, todo));
        }
        Ok(false) => findings.push(Finding::ok(ABOUT, "no process has it open")),
        Err(error) => {
            let text = format!("whether a process has {shown} open cannot be told: {error}");
            findings.push(Finding::warn(ABOUT, text, "let this user read it"));
        }
    }
    findings
}

/// How long a write to this folder takes until it is on disk. The file is gone before the first one.
fn synced(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(format!(".hookwire-doctor-{}", std::process::id()));
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let removed = std::fs::remove_file(&path);
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[0; WRITTEN_BYTES])?;
        file.sync_data()?;
        took.push(start.elapsed());
    }
    drop(file);
    if removed.is_err() {
        // Where an open file cannot be removed.
        std::fs::remove_file(&path)?;
    }
    took.sort_unstable();
    Ok(took.get(SYNCS / 2).copied().unwrap_or_default())
}

fn slow(took: Duration) -> Finding {
    let text = format!("a write is on disk within {:.1} ms", took.as_secs_f64() * 1_000.0);
    match took > SLOW {
        true => Finding::warn(ABOUT, text, "use a faster disk: every push waits for one write")
            .of("webhooks-slow"),
        false => Finding::ok(ABOUT, text),
    }
}

fn space(free: u64) -> Finding {
    let text = format!("{} MiB of its disk are free", free >> 20);
    let level = match free {
        ..NONE_BYTES => Level::Bad,
        NONE_BYTES..LOW_BYTES => Level::Warn,
        LOW_BYTES.. => return Finding::ok(ABOUT, text),
    };
    let todo = "free it, or keep less (`retention_age`, `retention_bytes`)";
    Finding::advice(level, ABOUT, &format!("{text}; {todo}")).of(Words::LOG_BROKEN.incident)
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_and_a_full_one_are_told() {
        assert_eq!(slow(Duration::from_millis(2)).level, Level::Ok);
        assert_eq!(slow(Duration::from_millis(31)).level, Level::Warn);
        let levels = [100 << 30, 500 << 20, 50 << 20].map(|free| space(free).level);
        assert_eq!(levels, [Level::Ok, Level::Warn, Level::Bad]);
    }
}
