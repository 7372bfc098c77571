use std::io;
use std::sync::Arc;

use hookwire_event::Event;
use hookwire_log::{Accepted, AppendError, Appended};
use tokio::sync::{mpsc, oneshot};

use crate::group::Group;
use crate::{Store, failed};

/// What the writer's thread is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Append { event: Box<Event>, accepted: Accepted, done: Answer },
    Sweep(oneshot::Sender<()>),
}

pub(crate) type Answer = oneshot::Sender<Result<Appended, AppendError>>;

impl Command {
    pub(crate) fn append(event: Event, done: Answer) -> Self {
        Self::Append { event: Box::new(event), accepted: Accepted::now(), done }
    }
}

/// Most commands that share one sync; more would delay the first of them.
const AT_ONCE: usize = 1_024;

/// Starts the only thread that writes topics, so no two appends ever race.
pub(crate) fn spawn(store: Arc<Store>, mut waiting: mpsc::Receiver<Command>) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("hookwire-log".into());
    let writer = Writer { next_topic: store.catalog.next_id(), store };
    thread.spawn(move || writer.run(&mut waiting)).map(drop)
}

struct Writer {
    store: Arc<Store>,
    next_topic: u64,
}

impl Writer {
    fn run(mut self, waiting: &mut mpsc::Receiver<Command>) {
        let mut commands = Vec::with_capacity(AT_ONCE);
        // Everything that came while the last sync ran shares the next one.
        while waiting.blocking_recv_many(&mut commands, AT_ONCE) > 0 {
            let mut appends = Vec::with_capacity(commands.len());
            let mut sweeps = Vec::new();
            for command in commands.drain(..) {
                match command {
                    Command::Append { event, accepted, done } => {
                        appends.push((event, accepted, done));
                    }
                    Command::Sweep(done) => sweeps.push(done),
                }
            }
            self.append(appends);
            if !sweeps.is_empty() {
                self.sweep();
                for done in sweeps {
                    // A caller that went away does not want to know.
                    let _gone = done.send(());
                }
            }
        }
    }

    fn append(&mut self, appends: Vec<(Box<Event>, Accepted, Answer)>) {
        if appends.is_empty() {
            return;
        }
        let mut group = Group::new(&self.store, &mut self.next_topic);
        let mut answers = Vec::with_capacity(appends.len());
        for (event, accepted, done) in appends {
            answers.push((group.add(*event, accepted), done));
        }
        let committed = group.commit();
        for (answer, done) in answers {
            let answer = answer.and_then(|appended| match &committed {
                Ok(()) => Ok(appended),
                Err(()) => Err(AppendError::Unavailable(failed())),
            });
            // A caller that went away repeats its append, which is then a duplicate.
            drop(done.send(answer));
        }
    }

    fn sweep(&mut self) {
        let store = Arc::clone(&self.store);
        let now_ms = store.clock.now_ms();
        let oldest_ms = store.retention.oldest_ms(now_ms);
        store.reclaim.expired(store.retention.oldest_mark_ms(now_ms));
        let mut group = Group::new(&store, &mut self.next_topic);
        let mut live_bytes = 0;
        for (topic, state) in store.catalog.all() {
            live_bytes += state.next_bytes - state.first_bytes;
            if !state.extent.is_empty() && state.first_at_ms < oldest_ms {
                group.trim_older(topic, state, oldest_ms);
            }
        }
        if group.commit().is_ok() {
            store.reclaim.run_if_worth(&store.keyspaces, live_bytes, store.garbage_bytes);
        }
    }
}
