use std::time::Duration;

use serde_json::Value;

/// What a function is called with, and what becomes of its answer.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub(crate) payload: Value,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) fate: Fate,
}

/// When an invocation has to be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// So long after it began.
    In(Duration),
    /// A moment in 1970, as `cargo lambda watch` says to all of them.
    Unknown,
}

/// What becomes of the request that brings an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is taken.
    #[default]
    Taken,
    /// The connection is cut after so many chunks.
    CutAfter(usize),
    /// It is answered 410 after so many chunks, as by a Lambda that has given the invocation up.
    GoneAfter(usize),
    /// It is answered 410 when nobody reads the answer any more.
    GoneWithCaller,
}

impl Invocation {
    /// Calls with this event, with the function's own time-out.
    #[must_use]
    pub fn of(event: impl Into<Value>) -> Self {
        Self { payload: event.into(), deadline: None, fate: Fate::Taken }
    }

    /// Has to be over after this time.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.deadline = Some(Deadline::In(time));
        self
    }

    /// Names a deadline that was long ago, as `cargo lambda watch` does.
    #[must_use]
    pub fn with_a_deadline_in_the_past(mut self) -> Self {
        self.deadline = Some(Deadline::Unknown);
        self
    }

    /// Cuts the connection that brings the answer, after so many chunks of it.
    #[must_use]
    pub fn cut_after(mut self, chunks: usize) -> Self {
        self.fate = Fate::CutAfter(chunks);
        self
    }

    /// Refuses the rest of the answer with 410, after so many chunks of it.
    #[must_use]
    pub fn gone_after(mut self, chunks: usize) -> Self {
        self.fate = Fate::GoneAfter(chunks);
        self
    }
    /// Refuses the rest of the answer with 410 when nobody reads it any more.
    #[must_use]
    pub fn gone_with_its_caller(mut self) -> Self {
        self.fate = Fate::GoneWithCaller;
        self
    }
}
