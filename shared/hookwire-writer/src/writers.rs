use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hookwire_http::Handed;
use tokio::runtime::Handle;
use tracing::error;

use crate::door::{Door, Slot, Word};
use crate::supply::Supply;
use crate::writer::Writer;

/// The tasks that write to the sockets of open streams.
pub struct Writers<S> {
    entrances: Vec<Arc<Entrance<S>>>,
    turn: AtomicUsize,
}

/// Where a writer is given what it has to look after.
pub(crate) struct Entrance<S> {
    pub(crate) door: Arc<Door>,
    came: Mutex<Vec<Came<S>>>,
}

/// What came for a writer.
pub(crate) enum Came<S> {
    /// A connection, what it is given, and what of it first.
    New(Handed, Box<S>, Bytes),
    /// What a task has fetched for a connection, and what it is given then.
    Back(Slot, Box<S>, Bytes),
}

impl<S> Entrance<S> {
    pub(crate) fn bring(&self, came: Came<S>) {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).push(came);
        self.door.call();
    }

    /// What was brought, and word that was left.
    pub(crate) fn take(&self) -> (Vec<Came<S>>, Word) {
        let word = self.door.take();
        (std::mem::take(&mut *self.came.lock().unwrap_or_else(PoisonError::into_inner)), word)
    }
}

impl<S: Supply> Writers<S> {
    /// Starts them, one for each thread of the runtime in which this is called. A socket that takes nothing for `slow_after` is
    /// closed.
    ///
    /// # Errors
    ///
    /// The system's: no descriptors.
    pub fn start(slow_after: Duration) -> io::Result<Self> {
        let cores = Handle::current().metrics().num_workers();
        let entrances =
            (0..cores).map(|_| Self::start_one(slow_after)).collect::<io::Result<_>>()?;
        Ok(Self { entrances, turn: AtomicUsize::new(0) })
    }

    /// Has a connection looked after, which is given `first` before anything else.
    pub fn take(&self, handed: Handed, supply: Box<S>, first: Bytes) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(entrance) = self.entrances.get(turn % self.entrances.len().max(1)) {
            entrance.bring(Came::New(handed, supply, first));
        }
    }

    /// Asks for what every connection is given next.
    pub fn look_after_all(&self) {
        self.tell(|word| word.all = true);
    }

    /// Closes every connection at once.
    pub fn cut(&self) {
        self.tell(|word| word.cut = true);
    }

    fn start_one(slow_after: Duration) -> io::Result<Arc<Entrance<S>>> {
        let entrance = Arc::new(Entrance { door: Arc::default(), came: Mutex::default() });
        let mut writer = Writer::new(Arc::clone(&entrance), slow_after)?;
        let entered = Arc::clone(&entrance);
        tokio::spawn(async move {
            // What went wrong with one connection ends all of its writer, and their clients come back. The next ones are
            // served as before.
            while tokio::spawn(writer.run()).await.is_err_and(|ended| ended.is_panic()) {
                match Writer::new(Arc::clone(&entered), slow_after) {
                    Ok(another) => writer = another,
                    Err(error) => return error!(%error, "streams have a writer less"),
                }
            }
        });
        Ok(entrance)
    }
}

impl<S> Writers<S> {
    fn tell(&self, say: impl Fn(&mut Word)) {
        self.entrances.iter().for_each(|entrance| entrance.door.leave(&say));
    }
}

impl<S> Drop for Writers<S> {
    fn drop(&mut self) {
        self.tell(|word| word.done = true);
    }
}

impl<S> fmt::Debug for Writers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writers").field("tasks", &self.entrances.len()).finish_non_exhaustive()
    }
}
