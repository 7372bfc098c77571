use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use fjall::LsmError;
use hookwire_log::{Clock, Watchers};

use crate::catalog::Catalog;
use crate::journal::JournalEnds;
use crate::keyspaces::{Keyspaces, entry_key, number, numbers};
use crate::reclaim::Reclaim;
use crate::{FjallConfig, Store, Told};

/// Why an embedded log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the folder open. Stop it, or give this one a folder of its own.
    #[error(
        "{} is in use by another process; stop it, or set HOOKWIRE_LOG=fjall:ANOTHER_FOLDER",
        path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The folder was written by a version that this one cannot read.
    #[error("{} was written by another version of the storage engine", path.display())]
    Version {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be read or written.
    #[error("{} cannot be opened; it must be a folder that this user may write", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gives no further thread.
    #[error("the log's thread cannot be started")]
    Thread(#[source] io::Error),
}

/// What can be done about a folder that did not open.
enum Failure {
    Refused(OpenError),
    /// What is in it cannot be read.
    Damaged(String),
}

pub(crate) fn open(config: &FjallConfig, clock: Clock) -> Result<Store, OpenError> {
    match open_once(config, clock.clone()) {
        Ok(store) => Ok(store),
        Err(Failure::Refused(error)) => Err(error),
        Err(Failure::Damaged(cause)) => {
            let aside = move_aside(&config.path, clock.now_ms())?;
            tracing::error!(
                incident = "log-broken",
                cause,
                kept = %aside.display(),
                "the embedded log is damaged; it was moved aside and a new one begins",
            );
            open_once(config, clock).map_err(|failure| match failure {
                Failure::Refused(error) => error,
                Failure::Damaged(cause) => {
                    OpenError::Io { path: config.path.clone(), source: io::Error::other(cause) }
                }
            })
        }
    }
}

fn open_once(config: &FjallConfig, clock: Clock) -> Result<Store, Failure> {
    // Without a slash at its end, or the folder could not be moved.
    let path: PathBuf = config.path.components().collect();
    let existed = path.join("version").exists();
    let failure = |error| classify(&path, existed, error);
    let io_failure = |error| classify(&path, existed, fjall::Error::Io(error));
    let ends = JournalEnds::of(&path).map_err(io_failure)?;
    let reclaim = Arc::new(Reclaim::default());
    // The engine checks some of what it reads by assertions.
    let opened = catch_unwind(AssertUnwindSafe(|| Keyspaces::open(&path, &reclaim)));
    let keyspaces = opened.map_err(|_panic| Failure::Damaged("the engine gave up".into()))?;
    let keyspaces = keyspaces.map_err(failure)?;
    let lost_tail = ends.were_cut().map_err(io_failure)?;
    let generation = generation(&keyspaces, &clock, lost_tail).map_err(failure)?;
    let catalog = Catalog::load(&keyspaces, generation).map_err(failure)?;
    let catalog = catalog.ok_or_else(|| Failure::Damaged("a topic cannot be read".into()))?;
    for (_, state) in catalog.all() {
        reclaim.trimmed(state.id, state.extent.first, 0);
    }
    if !entries_end_where_topics_say(&keyspaces, &catalog) {
        return Err(Failure::Damaged("topics and entries do not belong together".into()));
    }
    let last_quarantined = keyspaces.quarantine.last_key_value().map(fjall::Guard::key);
    let last_quarantined = last_quarantined.transpose().map_err(failure)?;
    let last_quarantined = last_quarantined.and_then(|key| number(&key, 0)).unwrap_or(0);
    Ok(Store {
        keyspaces,
        catalog,
        reclaim,
        watchers: Watchers::default(),
        retention: config.retention,
        clock,
        generation,
        garbage_bytes: config.garbage_bytes,
        next_quarantined: AtomicU64::new(last_quarantined + 1),
        failed: AtomicBool::new(false),
        told: Told::default(),
    })
}

/// Whether topics and entries belong together, as far as a look at some topics tells.
///
/// A table that lost its files opens as an empty one; and a batch's number in the journal is not part of its
/// checksum, so that a bit flipped there makes the engine prefer an older state of a topic.
fn entries_end_where_topics_say(keyspaces: &Keyspaces, catalog: &Catalog) -> bool {
    const LOOKED_AT: usize = 10_000;
    catalog.all().into_iter().take(LOOKED_AT).all(|(_, state)| {
        let next = entry_key(state.id, state.extent.next);
        let newest = entry_key(state.id, state.extent.next.saturating_sub(1));
        let beyond = keyspaces.entries.range(next..=entry_key(state.id, u64::MAX)).next();
        // One that is damaged is there, and its readers are told.
        let is_there =
            state.extent.is_empty() || keyspaces.entries.contains_key(newest).unwrap_or(true);
        is_there && beyond.is_none()
    })
}

/// The generation of every position: that of the log, or a new one when its tail is lost.
fn generation(keyspaces: &Keyspaces, clock: &Clock, lost_tail: bool) -> fjall::Result<u64> {
    let stored = keyspaces.meta.get("generation")?.and_then(|value| number(&value, 0));
    let generation = match stored {
        Some(generation) if !lost_tail => return Ok(generation),
        // Later than the last one even if the clock went back.
        Some(generation) => clock.now_ms().max(generation + 1),
        None => clock.now_ms(),
    };
    if lost_tail {
        tracing::error!(
            incident = "log-broken",
            "the embedded log's journal is damaged and lost its end; every reader is told of a gap"
        );
    }
    keyspaces.meta.insert("generation", numbers(&[generation]))?;
    keyspaces.sync()?;
    Ok(generation)
}

fn classify(path: &Path, existed: bool, error: fjall::Error) -> Failure {
    let path = path.to_owned();
    match error {
        fjall::Error::Locked => Failure::Refused(OpenError::Locked { path }),
        fjall::Error::InvalidVersion(Some(_))
        | fjall::Error::Storage(LsmError::InvalidVersion(_)) => {
            Failure::Refused(OpenError::Version { path })
        }
        fjall::Error::Io(source) | fjall::Error::Storage(LsmError::Io(source)) => {
            // A file that ends early, or is missing where the folder names it, is damage; anything else, such as
            // missing rights, is for whoever started us.
            match source.kind() {
                io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                    Failure::Damaged(source.to_string())
                }
                io::ErrorKind::NotFound if existed => Failure::Damaged(source.to_string()),
                _ => Failure::Refused(OpenError::Io { path, source }),
            }
        }
        other => Failure::Damaged(other.to_string()),
    }
}

fn move_aside(path: &Path, now_ms: u64) -> Result<PathBuf, OpenError> {
    let path: PathBuf = path.components().collect();
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{now_ms}"));
    let aside = PathBuf::from(name);
    std::fs::rename(&path, &aside).map_err(|source| OpenError::Io { path, source })?;
    Ok(aside)
}
