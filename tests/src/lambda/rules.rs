use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::oneshot;

use super::invocation::Fate;
use super::reply::Reply;

/// What one process is doing, and where it broke the protocol.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Invocations that it may have at a time.
    most: usize,
    /// Requests for the next invocation that wait.
    pub(crate) polls: usize,
    /// Invocations that it was given and has not ended, by their ids.
    under_way: HashMap<String, UnderWay>,
    /// Invocations that it was given so far.
    pub(crate) begun: usize,
    /// Whether an extension stands beside it; only then does Lambda send SIGTERM.
    pub(crate) has_extension: bool,
    /// What it said of a start that failed.
    pub(crate) init_error: Option<Value>,
    pub(crate) broken: Vec<String>,
}

#[derive(Debug)]
struct UnderWay {
    reply: Option<oneshot::Sender<Reply>>,
    fate: Fate,
    /// Nothing when the process was not told of one.
    deadline: Option<Instant>,
}

impl Rules {
    pub(crate) fn of(most: usize) -> Self {
        Self {
            most,
            polls: 0,
            under_way: HashMap::new(),
            begun: 0,
            has_extension: false,
            init_error: None,
            broken: Vec::new(),
        }
    }

    /// It asks for an invocation.
    pub(crate) fn poll(&mut self) {
        self.polls += 1;
        if self.polls + self.under_way.len() > self.most {
            let (polls, open) = (self.polls, self.under_way.len());
            let most = self.most;
            self.broken.push(format!("{polls} polls beside {open} open invocations, of {most}"));
        }
    }

    /// It is given one.
    pub(crate) fn begin(
        &mut self,
        id: &str,
        reply: oneshot::Sender<Reply>,
        fate: Fate,
        time: Option<Duration>,
    ) {
        let deadline = time.map(|time| Instant::now() + time);
        self.begun += 1;
        self.under_way.insert(id.to_owned(), UnderWay { reply: Some(reply), fate, deadline });
    }

    /// It answers one, which must be under way and not answered yet.
    pub(crate) fn answer(&mut self, id: &str) -> Option<(oneshot::Sender<Reply>, Fate)> {
        let open =
            self.under_way.get_mut(id).and_then(|open| Some((open.reply.take()?, open.fate)));
        if open.is_none() {
            self.broken.push(format!("an answer for {id}, which is not under way"));
        }
        open
    }

    /// Its answer has been read to the end.
    pub(crate) fn end(&mut self, id: &str) {
        let Some(ended) = self.under_way.remove(id) else { return };
        if let Some(late) = ended.deadline.and_then(|at| Instant::now().checked_duration_since(at))
        {
            self.broken.push(format!("{id} ended {late:?} after its deadline"));
        }
    }

    /// The process is gone, and with it whoever would answer.
    pub(crate) fn abandon(&mut self) {
        self.under_way.clear();
    }

    /// Whether it works on nothing and asks for more.
    pub(crate) fn is_ready(&self) -> bool {
        self.polls > 0
    }
}
