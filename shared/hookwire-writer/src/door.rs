use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use hookwire_hub::Bell;
use tokio::sync::Notify;

/// Which connection of a writer; its number may be another's later, its serial never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) key: usize,
    pub(crate) serial: u32,
}

/// Where others leave word for a writer.
#[derive(Debug, Default)]
pub(crate) struct Door {
    called: Notify,
    word: Mutex<Word>,
}

/// What was left.
#[derive(Debug, Default)]
pub(crate) struct Word {
    /// Topics whose bell was rung, as [`crate::topics::Topics`] numbers them.
    pub(crate) rung: Vec<usize>,
    /// Connections that were woken.
    pub(crate) woken: Vec<Slot>,
    /// Whether all are to be looked after.
    pub(crate) all: bool,
    /// Whether all are to be closed at once.
    pub(crate) cut: bool,
    /// Whether the writer is needed no more.
    pub(crate) done: bool,
}

impl Door {
    /// Leaves word.
    pub(crate) fn leave(&self, say: impl FnOnce(&mut Word)) {
        say(&mut self.lock());
        self.call();
    }

    /// Has the writer come.
    pub(crate) fn call(&self) {
        self.called.notify_one();
    }

    /// Waits until the writer is called; a call before counts.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }

    /// Takes what was left.
    pub(crate) fn take(&self) -> Word {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Word> {
        self.word.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bell of one topic at one writer.
#[derive(Debug)]
pub(crate) struct TopicBell {
    pub(crate) door: Arc<Door>,
    pub(crate) topic: usize,
    /// Whether it was rung since the writer last walked the topic's list.
    pub(crate) rung: AtomicBool,
}

impl Bell for TopicBell {
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.door.leave(|word| word.rung.push(self.topic));
        }
    }
}

/// Wakes one connection.
#[derive(Debug)]
pub(crate) struct SlotWaker {
    pub(crate) door: Arc<Door>,
    pub(crate) slot: Slot,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.door.leave(|word| word.woken.push(self.slot));
    }
}
