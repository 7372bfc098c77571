//! Bits that flipped on disk: what is gone is told, and nothing else goes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hookwire_event::Position;
use hookwire_log::conformance::{TestClock, event};
use hookwire_log::{Log, PageLimit, Retention, Start};

use super::{reopen, topic};
use crate::{FjallConfig, FjallLog};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jnl")
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|run| run == text.as_bytes())
}

/// A text that compression leaves alone.
fn noise(seed: u64) -> String {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..60).map(|_| rng.alphanumeric()).collect()
}

/// A folder with `count` events, `seconds` apart after the first, in tables or still in the journal.
async fn folder(
    count: u64,
    in_tables: bool,
    clock: &TestClock,
) -> (tempfile::TempDir, FjallConfig) {
    let folder = tempfile::tempdir().unwrap();
    let config = FjallConfig::new(folder.path().join("log"), Retention::default());
    let log = FjallLog::open(&config, clock.clock()).unwrap();
    for n in 0..count {
        let payload = format!("payload-{n}-{}", noise(n));
        log.append(event("t", &n.to_string(), &payload)).await.unwrap();
        if n == 0 {
            clock.advance(Duration::from_hours(12));
        }
    }
    if in_tables {
        log.store.keyspaces.entries.rotate_memtable_and_wait().unwrap();
    }
    drop(log);
    drop(reopen(&config));
    (folder, config)
}

/// Flips one bit of event 100 in the tables.
fn flip_in_tables(config: &FjallConfig) {
    let mut flipped = 0;
    for path in files(&config.path).into_iter().filter(|path| !is_journal(path)) {
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = find(&bytes, "payload-100-") {
            bytes[at + 3] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            flipped += 1;
        }
    }
    assert_eq!(flipped, 1);
}

#[tokio::test]
async fn a_bit_that_flips_anywhere_in_the_journal_is_never_passed_over() {
    let (_folder, config) = folder(10, false, &TestClock::default()).await;
    let journal = files(&config.path).into_iter().find(|path| is_journal(path)).unwrap();
    let bytes = std::fs::read(&journal).unwrap();
    let (from, to) = (find(&bytes, "payload-4-").unwrap(), find(&bytes, "payload-5-").unwrap());
    let (mut told, mut unharmed) = (0, 0);
    for at in from..to {
        let work = tempfile::tempdir().unwrap();
        let copy = FjallConfig::new(work.path().join("log"), Retention::default());
        for file in files(&config.path) {
            let to = copy.path.join(file.strip_prefix(&config.path).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(&file, to).unwrap();
        }
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        std::fs::write(copy.path.join(journal.file_name().unwrap()), flipped).unwrap();

        let log = reopen(&copy);
        let last = Position::new(TestClock::default().clock().now_ms(), 10);
        for n in 0..12 {
            log.append(event("t", &format!("new-{n}"), "")).await.unwrap();
        }
        let page = log.read_after(&topic(), last, PageLimit::BACKFILL).await.unwrap();
        match page.gap {
            Some(_) => told += 1,
            None => {
                assert_eq!(page.entries.len(), 12, "a flip at {at} loses events silently");
                assert_eq!(page.entries[0].event.id.as_str(), "new-0", "a flip at {at}");
                unharmed += 1;
            }
        }
    }
    println!("{told} flips told as a gap, {unharmed} did no harm");
    assert!(told > 0);
}

#[tokio::test]
async fn an_unreadable_stretch_of_a_table_is_a_gap_and_its_reader_goes_on() {
    let (_folder, config) = folder(200, true, &TestClock::default()).await;
    flip_in_tables(&config);
    let log = reopen(&config);
    let (mut after, mut seen, mut missed) =
        (log.locate(&topic(), Start::Earliest).await.unwrap(), 0, 0);
    loop {
        let page = log.read_after(&topic(), after, PageLimit::BACKFILL).await.unwrap();
        if let Some(gap) = page.gap {
            missed += gap.missed.unwrap();
            after = gap.resumed_at;
            continue;
        }
        let Some(last) = page.entries.last() else { break };
        after = last.position;
        seen += page.entries.len() as u64;
    }
    assert_eq!(seen + missed, 200);
    assert!((1..100).contains(&missed), "{missed} entries share the damaged block");
}

#[tokio::test]
async fn an_unreadable_entry_does_not_make_the_retention_drop_young_ones() {
    let clock = TestClock::default();
    let (_folder, config) = folder(200, true, &clock).await;
    flip_in_tables(&config);
    let log = Arc::new(FjallLog::open(&config, clock.clock()).unwrap());
    clock.advance(Duration::from_hours(13));
    log.sweep().await.unwrap();
    let first = log.locate(&topic(), Start::Earliest).await.unwrap();
    assert!(first.k <= 1, "only the first entry is expired, and the log begins after {first}");
}

#[tokio::test]
async fn a_folder_that_lost_any_of_its_files_starts_and_never_hides_what_is_gone() {
    let (_folder, config) = folder(20, true, &TestClock::default()).await;
    for lost in files(&config.path) {
        let work = tempfile::tempdir().unwrap();
        let folder = work.path().join("log");
        for file in files(&config.path).iter().filter(|file| **file != lost) {
            let to = folder.join(file.strip_prefix(&config.path).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(file, to).unwrap();
        }
        let mut with_slash = folder.into_os_string();
        with_slash.push("/");
        let Ok(log) = FjallLog::open(
            &FjallConfig::new(with_slash, Retention::default()),
            TestClock::default().clock(),
        ) else {
            // Refused with a reason: a human looks.
            continue;
        };
        let last = Position::new(TestClock::default().clock().now_ms(), 20);
        let page = log.read_after(&topic(), last, PageLimit::BACKFILL).await.unwrap();
        let tail = log.locate(&topic(), Start::Tail).await.unwrap();
        assert!(page.gap.is_some() || tail == last, "{} is gone silently", lost.display());
    }
}
