use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use fjall::LsmError;
use hookwire_log::{Clock, Watchers};

use crate::catalog::Catalog;
use crate::keyspaces::{Keyspaces, number, numbers};
use crate::reclaim::Reclaim;
use crate::{FjallConfig, Store};

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
}

impl OpenError {
    pub(crate) fn thread(source: io::Error) -> Self {
        Self::Io { path: PathBuf::new(), source }
    }
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
    let path = &config.path;
    let failure = |error| classify(path, error);
    let reclaim = Arc::new(Reclaim::default());
    let keyspaces = Keyspaces::open(path, &reclaim).map_err(failure)?;
    let generation = generation(&keyspaces, &clock).map_err(failure)?;
    let catalog = Catalog::load(&keyspaces, generation).map_err(failure)?;
    let catalog = catalog.ok_or_else(|| Failure::Damaged("a topic cannot be read".into()))?;
    for (_, state) in catalog.all() {
        reclaim.trimmed(state.id, state.extent.first, 0);
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
    })
}

fn generation(keyspaces: &Keyspaces, clock: &Clock) -> fjall::Result<u64> {
    let stored = keyspaces.meta.get("generation")?;
    if let Some(generation) = stored.and_then(|value| number(&value, 0)) {
        return Ok(generation);
    }
    let generation = clock.now_ms();
    keyspaces.meta.insert("generation", numbers(&[generation]))?;
    keyspaces.sync()?;
    Ok(generation)
}

fn classify(path: &Path, error: fjall::Error) -> Failure {
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
                _ => Failure::Refused(OpenError::Io { path, source }),
            }
        }
        other => Failure::Damaged(other.to_string()),
    }
}

fn move_aside(path: &Path, now_ms: u64) -> Result<PathBuf, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{now_ms}"));
    let aside = PathBuf::from(name);
    std::fs::rename(path, &aside)
        .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    Ok(aside)
}
