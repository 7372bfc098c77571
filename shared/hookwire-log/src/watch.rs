use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hookwire_event::Topic;

use crate::Entry;

/// Hears of appends to a topic it watches.
pub trait Listener: fmt::Debug + Send + Sync {
    /// These entries were appended, in this order, after everything told before.
    ///
    /// Called on the log's own thread, between its commits: it must not wait and must not call the log.
    fn published(&self, entries: &[Entry]);

    /// Entries may have been appended that were never told: what is known of the log's tail no longer counts.
    ///
    /// A log that publishes over a network calls it when the way was cut and when it stands again. As for
    /// [`published`](Self::published), it must not wait and must not call the log.
    fn interrupted(&self);
}

/// A watch that lasts until it is dropped.
#[must_use = "the watch ends when this is dropped"]
pub struct Watch(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Watch {
    /// A watch that runs `end` when it is dropped.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Who watches which topic, for a log that publishes within its own process.
#[derive(Debug, Clone, Default)]
pub struct Watchers(Arc<Mutex<ByTopic>>);

type ByTopic = HashMap<Topic, Vec<Arc<dyn Listener>>>;

impl Watchers {
    /// Adds a listener to a topic.
    pub fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Watch {
        self.locked().entry(topic.clone()).or_default().push(Arc::clone(&listener));
        let (watchers, topic) = (self.clone(), topic.clone());
        Watch::new(move || watchers.end(&topic, &listener))
    }

    /// Tells a topic's listeners of its new entries.
    pub fn publish(&self, topic: &Topic, entries: &[Entry]) {
        let topics = self.locked();
        // A topic is hashed for nothing where nobody watches any.
        if topics.is_empty() {
            return;
        }
        let listeners = topics.get(topic).cloned().unwrap_or_default();
        drop(topics);
        for listener in listeners {
            listener.published(entries);
        }
    }

    fn end(&self, topic: &Topic, listener: &Arc<dyn Listener>) {
        let mut topics = self.locked();
        if let Some(listeners) = topics.get_mut(topic) {
            // One of them: the same listener may watch again before its first watch has ended.
            if let Some(at) = listeners.iter().position(|one| Arc::ptr_eq(one, listener)) {
                listeners.remove(at);
            }
            if listeners.is_empty() {
                topics.remove(topic);
            }
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, ByTopic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
