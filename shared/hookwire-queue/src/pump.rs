use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hookwire_log::BoxError;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Burials, Drain, Message, Queue, postpone, settle};

/// Receives from the queue, has the drain take what came, and tells the queue what became of it.
#[derive(Debug)]
pub struct Pump {
    queue: Arc<dyn Queue>,
    drain: Drain,
    /// For how long the queue keeps what was received from other receivers.
    visibility: Duration,
    /// What a log that is away did not take. It is not given back, since what came after it would then overtake it.
    held: Vec<Message>,
    burials: Burials,
}

impl Pump {
    /// How long an empty queue is waited on; SQS allows no more.
    const WAIT: Duration = Duration::from_secs(20);
    /// Messages that one receive brings at most.
    const A_RECEIVE: usize = 10;
    /// Receives at once when there is much.
    const RECEIVES_AT_ONCE: usize = 8;
    /// Most messages, and bytes of them, that are taken together: events are brought into order among these. All of it
    /// must be done before the first is given to another receiver, and compressed bytes may be ten times as many.
    const TOGETHER: usize = 1_000;
    const BYTES_TOGETHER: usize = 8 * 1024 * 1024;
    const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);

    /// A pump between this queue and this drain.
    pub fn new(queue: Arc<dyn Queue>, drain: Drain, visibility: Duration) -> Self {
        Self { queue, drain, visibility, held: Vec::new(), burials: Burials::default() }
    }

    /// Pumps until it is told to stop. What is being taken then is taken to its end; what was only received comes again.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut pause = Self::SHORTEST_PAUSE;
        while let Some(received) = stop.run_until_cancelled(self.receive()).await {
            let well = match received {
                Ok(messages) => self.take(messages).await,
                Err(error) => {
                    // The queue itself tells of its trouble, once and not per call.
                    tracing::debug!(error, "could not receive from the queue");
                    false
                }
            };
            if well {
                pause = Self::SHORTEST_PAUSE;
                continue;
            }
            if stop.run_until_cancelled(self.rest(pause)).await.is_none() {
                break;
            }
            pause = (pause * 2).min(Self::LONGEST_PAUSE);
        }
        let released = std::mem::take(&mut self.held).into_iter();
        let released: Vec<_> = released.map(|message| (message, Duration::ZERO)).collect();
        if let Err(error) = self.queue.postpone(&released).await {
            tracing::debug!(error, "could not give messages back; they come again a little later");
        }
    }

    /// What was held, and what waits or comes first.
    async fn receive(&mut self) -> Result<Vec<Message>, BoxError> {
        let wait = if self.held.is_empty() { Self::WAIT } else { Duration::ZERO };
        let mut messages = match self.queue.receive(wait).await {
            Err(error) if self.held.is_empty() => return Err(error),
            received => received.unwrap_or_default(),
        };
        // A call costs money, so only a full answer is taken for a sign that there is more.
        let mut more = messages.len() >= Self::A_RECEIVE;
        messages.append(&mut self.held);
        while more && !Self::is_enough(&messages) {
            let receives = (0..Self::RECEIVES_AT_ONCE).map(|_| self.queue.receive(Duration::ZERO));
            let before = messages.len();
            // What was received is taken, whatever became of the others.
            messages.extend(join_all(receives).await.into_iter().flatten().flatten());
            let received = messages.len() - before;
            more = received >= Self::A_RECEIVE * Self::RECEIVES_AT_ONCE / 2;
        }
        Ok(messages)
    }

    fn is_enough(messages: &[Message]) -> bool {
        let bytes = || messages.iter().map(|message| message.body.len()).sum::<usize>();
        messages.len() >= Self::TOGETHER || bytes() >= Self::BYTES_TOGETHER
    }

    /// Whether the log took everything.
    async fn take(&mut self, messages: Vec<Message>) -> bool {
        let verdicts = self.drain.take(&messages).await;
        let settled = settle(&*self.queue, &self.burials, messages, verdicts).await;
        if let Err(error) = self.queue.delete(&settled.done).await {
            // What is in the log already is found there when it is received again.
            tracing::debug!(error, "could not delete from the queue");
        }
        postpone(&*self.queue, settled.again).await;
        let well = settled.failed.is_empty();
        if well || self.drain.ready().await {
            // The log takes other events, so what it does not take may stay away for long, and must not be in their way.
            postpone(&*self.queue, settled.failed).await;
        } else {
            self.held = settled.failed;
        }
        well
    }

    /// Pauses, and then waits until the log takes something. Nothing is received meanwhile: in the queue it waits without
    /// using up its receives.
    async fn rest(&self, pause: Duration) {
        self.keep().await;
        sleep(pause).await;
        let mut kept = Instant::now();
        while !self.drain.ready().await {
            if kept.elapsed() > self.visibility / 3 {
                self.keep().await;
                kept = Instant::now();
            }
            let pause = Self::LONGEST_PAUSE.mul_f64(0.1 + fastrand::f64() / 10.0);
            sleep(pause.min(self.visibility / 4)).await;
        }
    }

    /// Has the queue go on keeping what is held from other receivers.
    async fn keep(&self) {
        let held = self.held.iter().cloned().map(|message| (message, self.visibility));
        let held: Vec<_> = held.collect();
        let told = timeout(self.visibility / 3, self.queue.postpone(&held)).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::debug!("could not keep what is held; another receiver may get it as well");
        }
    }
}
