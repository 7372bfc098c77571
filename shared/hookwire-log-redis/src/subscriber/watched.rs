use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hookwire_event::{Position, Topic};
use hookwire_log::{Listener, Watch};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Command;
use crate::keys::TopicKeys;
use crate::message::Message;

/// The followed topics by their channels.
pub(super) struct Topics {
    by_channel: HashMap<String, Watched>,
    commands: mpsc::UnboundedSender<Command>,
}

/// A topic that is subscribed to, or is to be.
struct Watched {
    topic: Topic,
    state: String,
    listeners: Vec<Arc<dyn Listener>>,
    heard: Heard,
    /// What the last look found to be ahead of what was heard; perhaps the publish was only still on its way.
    suspicion: Option<Option<Position>>,
    left_at: Option<Instant>,
}

/// Where a topic stands, by what was heard of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// It is not subscribed to.
    Nothing,
    /// Here; or nowhere, when it has no state.
    Upto(Option<Position>),
}

/// How long a subscription outlives its last listener: a browser that comes back finds it standing.
const KEPT_FOR: Duration = Duration::from_secs(5);

impl Topics {
    pub(super) fn new(commands: mpsc::UnboundedSender<Command>) -> Self {
        Self { by_channel: HashMap::new(), commands }
    }

    pub(super) fn len(&self) -> usize {
        self.by_channel.len()
    }

    pub(super) fn contains(&self, channel: &[u8]) -> bool {
        std::str::from_utf8(channel).is_ok_and(|channel| self.by_channel.contains_key(channel))
    }

    /// Adds a listener and returns the topic's channel.
    pub(super) fn watch(
        &mut self,
        topic: Topic,
        keys: TopicKeys,
        listener: Arc<dyn Listener>,
    ) -> String {
        let watched = self.by_channel.entry(keys.channel.clone()).or_insert_with(|| Watched {
            topic,
            state: keys.state,
            listeners: Vec::new(),
            heard: Heard::Nothing,
            suspicion: None,
            left_at: None,
        });
        watched.listeners.push(listener);
        watched.left_at = None;
        keys.channel
    }

    /// What ends a listener's watch when it is dropped.
    pub(super) fn watch_of(&self, channel: &str, listener: Arc<dyn Listener>) -> Watch {
        let (commands, channel) = (self.commands.clone(), channel.to_owned());
        Watch::new(move || {
            // The task may have ended before its last watch.
            drop(commands.send(Command::Unwatch { channel, listener }));
        })
    }

    pub(super) fn unwatch(&mut self, channel: &str, listener: &Arc<dyn Listener>) {
        let Some(watched) = self.by_channel.get_mut(channel) else { return };
        // Once, and not every one that is the same: whoever gave up on a watch may be watching again with its listener.
        if let Some(index) = watched.listeners.iter().position(|one| Arc::ptr_eq(one, listener)) {
            watched.listeners.swap_remove(index);
        }
        if watched.listeners.is_empty() {
            watched.left_at = Some(Instant::now());
        }
    }

    /// Takes out the topics whose last listener left a while ago, and returns their channels.
    pub(super) fn left(&mut self) -> Vec<String> {
        let is_left =
            |watched: &Watched| watched.left_at.is_some_and(|at| at.elapsed() >= KEPT_FOR);
        self.by_channel
            .extract_if(|_, watched| is_left(watched))
            .map(|(channel, _)| channel)
            .collect()
    }

    /// Channels and states of the topics that are not subscribed to.
    pub(super) fn unheard(&self) -> Vec<(String, String)> {
        let unheard = self.by_channel.iter().filter(|(_, one)| one.heard == Heard::Nothing);
        unheard.map(|(channel, one)| (channel.clone(), one.state.clone())).collect()
    }

    /// Channels and states of those that are.
    pub(super) fn states(&self) -> Vec<(String, String)> {
        let heard = self.by_channel.iter().filter(|(_, one)| one.heard != Heard::Nothing);
        heard.map(|(channel, one)| (channel.clone(), one.state.clone())).collect()
    }

    pub(super) fn is_heard(&self, channel: &str) -> bool {
        self.by_channel.get(channel).is_some_and(|watched| watched.heard != Heard::Nothing)
    }

    /// Notes that a topic is subscribed to and stood here afterwards, and has it read again: what was appended while it
    /// was not subscribed to is only in the log, and nothing else would tell of it.
    pub(super) fn heard(&mut self, channel: &str, tail: Option<Position>) {
        if let Some(watched) = self.by_channel.get_mut(channel) {
            watched.heard = Heard::Upto(tail);
            watched.interrupt();
        }
    }

    pub(super) fn forget_what_was_heard(&mut self) {
        for watched in self.by_channel.values_mut() {
            (watched.heard, watched.suspicion) = (Heard::Nothing, None);
        }
    }

    /// Passes on what was published on a channel.
    pub(super) fn publish(&mut self, channel: &[u8], payload: Vec<u8>) {
        let channel = std::str::from_utf8(channel).ok();
        let Some(watched) = channel.and_then(|channel| self.by_channel.get_mut(channel)) else {
            return;
        };
        watched.suspicion = None;
        match Message::parse(&watched.topic, payload) {
            Some(message) => {
                watched.heard = Heard::Upto(Some(message.last));
                match message.entries {
                    Some(entries) => {
                        watched.listeners.iter().for_each(|one| one.published(&entries));
                    }
                    None => watched.interrupt(),
                }
            }
            None => {
                metrics::counter!("hookwire_redis_unreadable_publishes_total").increment(1);
                watched.interrupt();
            }
        }
    }

    pub(super) fn interrupt_all(&self) {
        self.by_channel.values().for_each(Watched::interrupt);
    }

    /// Compares where a topic stands with what was heard of it.
    pub(super) fn compare(&mut self, channel: &str, tail: Option<Option<Position>>) {
        let Some(watched) = self.by_channel.get_mut(channel) else { return };
        match tail {
            // The node that keeps it is away, and when it is back it has forgotten the subscription.
            None => watched.heard = Heard::Nothing,
            // A reader gave it its first generation, in which nothing was appended yet.
            Some(Some(start)) if watched.heard == Heard::Upto(None) && start.k == 0 => {
                watched.heard = Heard::Upto(Some(start));
            }
            Some(tail) if watched.heard != Heard::Upto(tail) => watched.suspicion = Some(tail),
            Some(_) => {}
        }
    }

    /// Has those topics read again of which nothing was heard since they were found to be ahead.
    pub(super) fn confirm_suspicions(&mut self) {
        for watched in self.by_channel.values_mut() {
            if let Some(tail) = watched.suspicion.take() {
                metrics::counter!("hookwire_redis_lost_publishes_total").increment(1);
                watched.heard = Heard::Upto(tail);
                watched.interrupt();
            }
        }
    }
}

impl Watched {
    fn interrupt(&self) {
        self.listeners.iter().for_each(|listener| listener.interrupted());
    }
}
