use std::sync::Arc;

use async_trait::async_trait;
use hookwire_event::{Event, Position, Topic};
use hookwire_traces::{Kind, Tracer};

use crate::{
    AppendError, Appended, Listener, Log, NotReady, Page, PageLimit, ReadError, Start, Watch,
};

/// A log whose appends are recorded in the traces of their events.
#[derive(Debug)]
pub struct TracedLog {
    log: Arc<dyn Log>,
    tracer: Tracer,
    kind: &'static str,
}

impl TracedLog {
    /// The same log; `kind` says what it is. Where nothing is recorded it is returned as it is.
    #[must_use]
    pub fn over(log: Arc<dyn Log>, tracer: &Tracer, kind: &'static str) -> Arc<dyn Log> {
        match tracer.is_on() {
            true => Arc::new(Self { log, tracer: tracer.clone(), kind }),
            false => log,
        }
    }
}

#[async_trait]
impl Log for TracedLog {
    async fn append(&self, event: Event) -> Result<Appended, AppendError> {
        let mut span = self.tracer.below(&event, "append", Kind::Client);
        span.set("hookwire.log", self.kind);
        // Who asks may stop waiting, and this ends here.
        span.set_failure(Some("unanswered"));
        let appended = self.log.append(event).await;
        let (outcome, failure) = match &appended {
            Ok(Appended::New(_)) => ("new", None),
            Ok(Appended::Duplicate(_)) => ("duplicate", None),
            Err(AppendError::Unavailable(_)) => ("failed", Some("unavailable")),
            Err(AppendError::Unknown(_)) => ("failed", Some("unknown")),
            Err(AppendError::TooLarge { .. }) => ("failed", Some("too_large")),
        };
        span.set("outcome", outcome);
        span.set_failure(failure);
        appended
    }

    async fn read_after(
        &self,
        topic: &Topic,
        after: Position,
        limit: PageLimit,
    ) -> Result<Page, ReadError> {
        self.log.read_after(topic, after, limit).await
    }

    async fn locate(&self, topic: &Topic, start: Start) -> Result<Position, ReadError> {
        self.log.locate(topic, start).await
    }

    async fn watch(&self, topic: &Topic, listener: Arc<dyn Listener>) -> Result<Watch, ReadError> {
        self.log.watch(topic, listener).await
    }

    async fn ready(&self) -> Result<(), NotReady> {
        self.log.ready().await
    }
}
