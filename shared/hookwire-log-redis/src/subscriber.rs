//! The one subscription of a process, whatever it follows: supervised, and never trusted to have told everything.

mod line;
mod task;
mod watched;

use std::sync::Arc;

use hookwire_event::Topic;
use hookwire_log::{BoxError, Listener, ReadError, Watch};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::Shared;
use task::Task;

/// Whether publishes are heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// Those of the topics that can be heard: not of those whose node of a cluster is being replaced, which is the same
    /// for every relay, so that no other one could serve their streams better.
    Something,
    /// None, and why.
    Nothing(String),
}

/// The way to the task that owns the subscription; the task ends with it.
#[derive(Debug)]
pub(crate) struct Subscriber {
    commands: mpsc::UnboundedSender<Command>,
    hearing: watch::Receiver<Hearing>,
    task: JoinHandle<()>,
}

enum Command {
    Watch { topic: Topic, listener: Arc<dyn Listener>, done: Done },
    Unwatch { channel: String, listener: Arc<dyn Listener> },
}

type Done = oneshot::Sender<Result<Watch, ReadError>>;

impl Subscriber {
    /// Starts to connect.
    pub(crate) fn start(shared: Arc<Shared>) -> Self {
        let (commands, waiting) = mpsc::unbounded_channel();
        let (told, hearing) = watch::channel(Hearing::Nothing("it has not connected yet".into()));
        let task = Task::new(shared, (commands.clone(), waiting), told);
        Self { commands, hearing, task: tokio::spawn(task.run()) }
    }

    /// Watches a topic; answers when publishes on it are heard.
    pub(crate) async fn watch(
        &self,
        topic: &Topic,
        listener: Arc<dyn Listener>,
    ) -> Result<Watch, ReadError> {
        let gone = || ReadError(BoxError::from("the subscription has ended"));
        let (done, watching) = oneshot::channel();
        let command = Command::Watch { topic: topic.clone(), listener, done };
        self.commands.send(command).map_err(|_closed| gone())?;
        watching.await.map_err(|_closed| gone())?
    }

    pub(crate) fn hearing(&self) -> Hearing {
        if self.task.is_finished() {
            return Hearing::Nothing("its task has died; restart the relay".into());
        }
        self.hearing.borrow().clone()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}
