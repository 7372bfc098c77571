//! The durable queue in Amazon SQS.
//!
//! What is sent at the same time shares calls, and every send is answered in bounded time: while SQS does not answer, at
//! once. Nothing is connected, and no client made, before the first call.

mod attributes;
mod calls;
mod client;
mod config;
mod dead;
mod depth;
mod fault;
mod lane;
mod receipts;
mod receive;
mod report;
mod rights;
mod send;
mod trouble;
mod url;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hookwire_log::BoxError;
use hookwire_queue::{Depth, Message, Queue, SendError};

pub use config::SqsConfig;
pub use report::{DeadLetters, Report};
pub use url::{InvalidQueueUrl, QueueUrl};

use crate::attributes::Attributes;
use crate::calls::Calls;
use crate::dead::Grave;
use crate::send::Sender;

/// The queue in SQS.
///
/// It counts delays in whole seconds, and rounds them up. A message is sent with a delay of at most 15 minutes and
/// postponed by at most 11 hours; a longer one is cut to that.
#[derive(Debug)]
pub struct SqsQueue {
    calls: Arc<Calls>,
    sender: Sender,
    grave: Grave,
}

impl SqsQueue {
    /// Sets the queue up. Nothing is asked before it is needed, so SQS may be away.
    #[must_use]
    pub fn new(config: SqsConfig) -> Self {
        Self::over(Arc::new(Calls::new(config)))
    }

    fn over(calls: Arc<Calls>) -> Self {
        Self { sender: Sender::new(Arc::clone(&calls)), calls, grave: Grave::default() }
    }

    /// The queue to which buried messages go, on the same client; none if there is none.
    ///
    /// # Errors
    ///
    /// The cause: SQS did not say.
    pub async fn dead_letters(&self) -> Result<Option<Self>, BoxError> {
        let dead = self.grave.of(&self.calls).await?;
        Ok(dead.map(|dead| Self::over(Arc::clone(dead))))
    }

    /// Whether no sends are made, since the last ones failed.
    #[must_use]
    pub fn is_left_alone(&self) -> bool {
        self.calls.breaker.is_open()
    }

    /// Finds out what this process may not do with the queue, each with what to do, and changes nothing: it asks for what
    /// cannot be, and SQS first looks whether it would be allowed.
    pub async fn denied(&self) -> Vec<String> {
        rights::denied(&self.calls).await
    }

    /// Asks how the queue stands, and what should be changed about it.
    ///
    /// # Errors
    ///
    /// The cause: no answer, or none that says it.
    pub async fn report(&self) -> Result<Report, BoxError> {
        let attributes = Attributes::of(&self.calls).await?;
        let dead = match attributes.redrive() {
            Some(redrive) => {
                let dead = Attributes::of(&self.calls.beside(&redrive.queue)).await;
                Some((redrive, dead))
            }
            None => None,
        };
        Ok(Report::read(self.calls.url().name(), &attributes, dead))
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, body: String, delay: Duration) -> Result<(), SendError> {
        self.sender.send(body, delay).await
    }

    async fn receive(&self, wait: Duration) -> Result<Vec<Message>, BoxError> {
        Ok(receive::receive(&self.calls, wait).await?)
    }

    async fn delete(&self, messages: &[Message]) -> Result<(), BoxError> {
        Ok(receipts::delete(&self.calls, messages).await?)
    }

    async fn postpone(&self, messages: &[(Message, Duration)]) -> Result<(), BoxError> {
        Ok(receipts::postpone(&self.calls, messages).await?)
    }

    async fn bury(&self, message: &Message, reason: &str) -> Result<(), BoxError> {
        let Some(dead) = self.grave.of(&self.calls).await? else {
            let name = self.calls.url().name();
            return Err(
                format!("queue {name} has no dead-letter queue; give it a RedrivePolicy").into()
            );
        };
        // In the other order it would be lost if the process ended in between.
        dead::put(dead, &message.body, reason).await?;
        receipts::delete(&self.calls, std::slice::from_ref(message)).await?;
        self.calls.count("buried", 1);
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, BoxError> {
        Ok(Attributes::of(&self.calls).await?.depth())
    }
}

/// Whole seconds, as SQS counts, and never sooner than asked for.
fn seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}
