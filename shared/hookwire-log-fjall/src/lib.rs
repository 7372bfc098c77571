//! The embedded log: one folder, one process, nothing beside it.
//!
//! An append is answered when it is on disk: one thread takes all appends that wait, writes them as one batch and
//! syncs once (group commit). What stands in the folder after `kill -9` is every answered append and perhaps some
//! unanswered ones; a torn tail is cut off at the next start. A folder that cannot be read is moved aside, never
//! deleted, and a new log with a new generation begins, so that every reader is told of the gap.

mod catalog;
mod group;
mod journal;
mod keyspaces;
mod open;
mod quarantine;
mod read;
mod reclaim;
mod writer;

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};
use hookwire_log::{
    AppendError, Appended, BoxError, Clock, Listener, Log, NotReady, Page, PageLimit, ReadError,
    Retention, Start, Watch, Watchers,
};
use hookwire_telemetry::SharedStretch;
use tokio::sync::{mpsc, oneshot};

use crate::catalog::Catalog;
use crate::keyspaces::Keyspaces;
pub use crate::open::OpenError;
use crate::reclaim::Reclaim;
use crate::writer::Command;

/// How an embedded log is kept.
#[derive(Debug, Clone)]
pub struct FjallConfig {
    /// The folder; made when missing.
    pub path: PathBuf,
    /// How long events are kept and ids remembered.
    pub retention: Retention,
    /// How often age is looked at.
    pub sweep_every: Duration,
    /// Bytes of trimmed entries that may wait on disk before they are freed.
    ///
    /// Freeing rewrites what is live, so it also waits until half as much as that is dead.
    pub garbage_bytes: u64,
}

impl FjallConfig {
    /// A log in `path` with the given retention.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, retention: Retention) -> Self {
        Self {
            path: path.into(),
            retention,
            sweep_every: Duration::from_secs(10),
            garbage_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The embedded log.
#[derive(Debug)]
pub struct FjallLog {
    store: Arc<Store>,
    commands: mpsc::Sender<Command>,
}

/// What the writer's thread and the readers share.
#[derive(Debug)]
struct Store {
    keyspaces: Keyspaces,
    catalog: Catalog,
    reclaim: Arc<Reclaim>,
    watchers: Watchers,
    retention: Retention,
    clock: Clock,
    generation: u64,
    garbage_bytes: u64,
    next_quarantined: AtomicU64,
    /// A failed sync leaves unknown what is on disk; only a restart reads it again.
    failed: AtomicBool,
    told: Told,
}

/// What happens over and over once it has begun, and is not told every time.
#[derive(Debug, Default)]
struct Told {
    /// Entries that nobody can read, whose topics are read again and again.
    damaged: SharedStretch,
    /// Topics that could not be trimmed.
    untrimmed: SharedStretch,
    /// Notifications that were dropped for newer ones.
    dropped: SharedStretch,
}

impl FjallLog {
    /// Appends that may wait for the writer; more wait in their callers.
    const WAITING: usize = 8_192;

    /// Opens the log, or makes it. Blocks while the tail is recovered.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(config: &FjallConfig, clock: Clock) -> Result<Self, OpenError> {
        let store = Arc::new(open::open(config, clock)?);
        metrics::gauge!("hookwire_log_writable").set(1);
        let (commands, waiting) = mpsc::channel(Self::WAITING);
        writer::spawn(Arc::clone(&store), waiting).map_err(OpenError::Thread)?;
        Ok(Self { store, commands })
    }

    /// Enforces age and disk use now, then every `sweep_every`, until the log is dropped.
    pub fn sweep_every(&self, every: Duration) {
        let commands = self.commands.downgrade();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(commands) = commands.upgrade() else {
                    return;
                };
                let (done, swept) = oneshot::channel();
                if commands.send(Command::Sweep(done)).await.is_err() || swept.await.is_err() {
                    return;
                }
            }
        });
    }

    /// Enforces age and disk use now.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the log is closed.
    pub async fn sweep(&self) -> Result<(), ReadError> {
        let (done, swept) = oneshot::channel();
        self.commands.send(Command::Sweep(done)).await.map_err(|_closed| ReadError(closed()))?;
        swept.await.map_err(|_closed| ReadError(closed()))
    }

    /// Bytes that the folder takes on disk.
    ///
    /// # Errors
    ///
    /// The backend's cause.
    pub fn disk_bytes(&self) -> Result<u64, BoxError> {
        self.store.keyspaces.disk_bytes().map_err(BoxError::from)
    }
}

/// Whether a process has a log in this folder open.
///
/// Without opening the log. Only for a moment: a relay that starts in it may find the folder in use.
///
/// # Errors
///
/// The system's; none when there is no log.
pub fn is_in_use(path: &Path) -> io::Result<bool> {
    // The file that the engine locks while it is open.
    let lock = match File::open(path.join("lock")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => lock.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn closed() -> BoxError {
    BoxError::from("the embedded log is closed")
}

fn failed() -> BoxError {
    BoxError::from("the embedded log could not write to its disk; free or mend it, then restart")
}

#[async_trait]
impl Log for FjallLog {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        let (done, appended) = oneshot::channel();
        let unavailable = |_closed| AppendError::Unavailable(closed());
        let command = Command::append(event, done);
        self.commands.send(command).await.map_err(|_closed| AppendError::Unavailable(closed()))?;
        appended.await.map_err(unavailable)?
    }

    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        let (store, topic) = (Arc::clone(&self.store), topic.clone());
        blocking(move || read::page(&store, &topic, after, limit)).await
    }

    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        let (store, topic) = (Arc::clone(&self.store), topic.clone());
        if matches!(start, Start::Since(_)) {
            return blocking(move || read::locate(&store, &topic, start)).await;
        }
        read::locate(&store, &topic, start)
    }

    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError> {
        Ok(self.store.watchers.watch(topic, listener))
    }

    async fn ready(&self) -> Result<(), NotReady> {
        if self.store.failed.load(Ordering::Acquire) {
            return Err(NotReady::Broken(failed()));
        }
        if self.commands.is_closed() {
            return Err(NotReady::Broken(closed()));
        }
        Ok(())
    }
}

/// Reads off the runtime's workers: a page that is not in memory waits for the disk.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    tokio::task::spawn_blocking(read).await.map_err(|died| ReadError(BoxError::from(died)))?
}

#[cfg(test)]
mod tests;
