mod damage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};
use hookwire_log::conformance::{Backend, TestClock, event};
use hookwire_log::{Appended, Clock, Log, PageLimit, Quarantine, Retention, Start};

use crate::{FjallConfig, FjallLog, OpenError};

#[derive(Debug)]
struct Embedded {
    log: Arc<FjallLog>,
    _folder: tempfile::TempDir,
}

#[async_trait]
impl Backend for Embedded {
    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    fn quarantine(&self) -> Arc<dyn Quarantine> {
        Arc::clone(&self.log) as Arc<dyn Quarantine>
    }

    async fn sweep(&self) {
        self.log.sweep().await.unwrap();
    }
}

hookwire_log::conformance!(|retention: Retention, clock: &TestClock| {
    let folder = tempfile::tempdir().unwrap();
    let config = FjallConfig::new(folder.path().join("log"), retention);
    let log = Arc::new(FjallLog::open(&config, clock.clock()).unwrap());
    Embedded { log, _folder: folder }
});

fn topic() -> Topic {
    Topic::parse("t").unwrap()
}

/// Waits until the thread of a dropped log has let go of the folder.
fn reopen(config: &FjallConfig) -> FjallLog {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match FjallLog::open(config, Clock::system()) {
            Err(OpenError::Locked { .. }) if Instant::now() < deadline => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_reopened_log_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let config = FjallConfig::new(folder.path().join("log"), Retention::default());
    let log = reopen(&config);
    let first = log.append(event("t", "a", "")).await.unwrap().position();
    drop(log);
    let log = reopen(&config);
    assert_eq!(log.append(event("t", "a", "")).await.unwrap(), Appended::Duplicate(first));
    assert_eq!(log.append(event("t", "b", "")).await.unwrap(), Appended::New(first.next()));
    let start = log.locate(&topic(), Start::Earliest).await.unwrap();
    let page = log.read_after(&topic(), start, PageLimit::BACKFILL).await.unwrap();
    assert_eq!(page.entries.len(), 2);
}

#[tokio::test]
async fn a_second_process_on_the_folder_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let config = FjallConfig::new(folder.path().join("log"), Retention::default());
    let _first = reopen(&config);
    let second = FjallLog::open(&config, Clock::system()).unwrap_err();
    assert!(matches!(second, OpenError::Locked { .. }));
    assert!(second.to_string().contains("in use by another process"), "{second}");
}

#[tokio::test]
async fn a_damaged_folder_is_kept_aside_and_readers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = FjallConfig::new(folder.path().join("log"), Retention::default());
    let log = reopen(&config);
    let mut last = Position::new(0, 0);
    for n in 0..10 {
        last =
            log.append(event("t", &format!("{n}"), &"x".repeat(1_000))).await.unwrap().position();
    }
    drop(log);
    drop(reopen(&config));
    let journal = std::fs::read_dir(&config.path)
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "jnl"))
        .unwrap();
    // In the middle of a committed entry: not a torn tail, which is cut off silently, but a flipped bit.
    let mut bytes = std::fs::read(&journal).unwrap();
    let at = bytes.windows(100).position(|run| run.iter().all(|byte| *byte == b'x')).unwrap();
    bytes[at + 50] ^= 1;
    std::fs::write(&journal, bytes).unwrap();

    // A new generation needs a later millisecond.
    let log = reopen(&config);
    let kept = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(kept, 2, "the damaged folder is still there");
    let page = log.read_after(&topic(), last, PageLimit::BACKFILL).await.unwrap();
    assert!(page.gap.is_some(), "{page:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_retention_drops_is_freed_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention { events: 500, ..Retention::default() };
    let clock = TestClock::default();
    let config = FjallConfig {
        garbage_bytes: 4 * 1024 * 1024,
        ..FjallConfig::new(folder.path().join("log"), retention)
    };
    let log = Arc::new(FjallLog::open(&config, clock.clock()).unwrap());
    let written_bytes = 160 * 1024 * 1024;
    let payload = "x".repeat(16 * 1024);
    for round in 0..10 {
        let mut appends = tokio::task::JoinSet::new();
        for n in 0..1_024 {
            let (log, event): (_, Event) =
                (Arc::clone(&log), event("t", &format!("{round}-{n}"), &payload));
            appends.spawn(async move { log.append(event).await.unwrap() });
        }
        appends.join_all().await;
        log.sweep().await.unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    for n in 0.. {
        log.sweep().await.unwrap();
        let bytes = log.disk_bytes().unwrap();
        if bytes < written_bytes * 2 / 3 {
            break;
        }
        assert!(Instant::now() < deadline, "{bytes} bytes are still on disk");
        // A journal is freed when the next one is begun, and how full the last one is depends on how appends met.
        log.append(event("t", &format!("more-{n}"), &payload)).await.unwrap();
    }
    let start = log.locate(&topic(), Start::Earliest).await.unwrap();
    let page = log.read_after(&topic(), start, PageLimit::BACKFILL).await.unwrap();
    assert!(page.gap.is_none() && !page.entries.is_empty());
}
