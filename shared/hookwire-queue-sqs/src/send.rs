use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::future::join_all;
use hookwire_queue::SendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::calls::Calls;
use crate::fault::Fault;
use crate::lane::{BYTES_AT_ONCE, Lane, Waiting};
use crate::seconds;
use crate::trouble::Ask;

/// Sends messages, several calls at a time: what comes while all of them are on their way shares the next one.
///
/// So a message that comes alone goes at once, and a rush costs few calls.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    calls: Arc<Calls>,
    lane: Arc<Mutex<Lane>>,
    slots: Arc<Semaphore>,
}

/// Calls that are on their way at the same time: of 10 ms each they carry some thousand messages a second.
const IN_FLIGHT: usize = 8;
/// Largest message.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
pub(crate) const BYTES: usize = BYTES_AT_ONCE;
/// Longest delay of a message.
const DELAY: Duration = Duration::from_mins(15);

impl Sender {
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        let slots = Arc::new(Semaphore::new(IN_FLIGHT));
        Self { calls, lane: Arc::default(), slots }
    }

    pub(crate) async fn send(&self, body: String, delay: Duration) -> Result<(), SendError> {
        let size_bytes = body.len();
        if size_bytes > BYTES {
            return Err(SendError::TooLarge { size_bytes, limit_bytes: BYTES });
        }
        let (answer, answered) = oneshot::channel();
        let delay_s = seconds(delay.min(DELAY));
        self.enqueue(Waiting { body, delay_s, tried: false, answer })?;
        match tokio::time::timeout(self.calls.config().send_within, answered).await {
            Ok(Ok(answer)) => answer.map_err(SendError::from),
            Ok(Err(_gone)) => Err(Fault::Failed("the send was given up".into()).into()),
            Err(_elapsed) => Err(Fault::Unanswered.into()),
        }
    }

    fn enqueue(&self, waiting: Waiting) -> Result<(), Fault> {
        let pushed = self.lane().push(waiting);
        self.show_waiting();
        pushed.inspect_err(|fault| self.calls.trouble.count(Ask::Send, fault))?;
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            // On a task of its own: the sender may go away, and others share its call.
            let sender = self.clone();
            tokio::spawn(async move { sender.run(slot).await });
        }
        Ok(())
    }

    /// Makes one call after another until nothing waits any more.
    async fn run(&self, mut slot: OwnedSemaphorePermit) {
        loop {
            loop {
                let batch = self.lane().next_batch();
                self.show_waiting();
                if batch.is_empty() {
                    break;
                }
                self.call(batch).await;
            }
            drop(slot);
            // What came after the last look and before the slot was free found none to start with.
            if self.lane().len() == 0 {
                return;
            }
            match Arc::clone(&self.slots).try_acquire_owned() {
                Ok(free) => slot = free,
                Err(_taken) => return,
            }
        }
    }

    /// Makes one call, and has each sender know what became of its message.
    async fn call(&self, batch: Vec<Waiting>) {
        let verdicts = match self.verdicts(&batch).await {
            Ok(verdicts) => verdicts,
            Err(fault) => {
                for waiting in batch {
                    drop(waiting.answer.send(Err(fault.clone())));
                }
                return;
            }
        };
        let mut again = Vec::new();
        for (waiting, verdict) in batch.into_iter().zip(verdicts) {
            match verdict {
                Err(Fault::Failed(_)) if !waiting.tried => {
                    again.push(Waiting { tried: true, ..waiting });
                }
                // A sender that went away takes its message as not sent.
                verdict => drop(waiting.answer.send(verdict)),
            }
        }
        let mut lane = self.lane();
        again.into_iter().rev().for_each(|waiting| lane.put_back(waiting));
    }

    /// What became of each message, or of the whole call.
    async fn verdicts(&self, batch: &[Waiting]) -> Result<Vec<Result<(), Fault>>, Fault> {
        let permit = self.calls.breaker.permit();
        let permit = permit
            .ok_or(Fault::Open)
            .inspect_err(|fault| self.calls.trouble.count(Ask::Send, fault))?;
        let verdicts = send_batch(&self.calls, batch).await;
        match &verdicts {
            Err(fault) if fault.is_down() => permit.failed(),
            Err(fault) if !fault.is_asked() => drop(permit),
            _ => permit.answered(),
        }
        match verdicts {
            // One of them is to blame, and the others are not to share its fate.
            Err(Fault::Refused(_)) if batch.len() > 1 => {
                let alone = batch.iter().map(|waiting| send_alone(&self.calls, waiting));
                Ok(join_all(alone).await)
            }
            verdicts => verdicts,
        }
    }

    fn show_waiting(&self) {
        let queue = self.calls.url().name().to_owned();
        let waiting = self.lane().len() as f64;
        metrics::gauge!("hookwire_queue_sends_waiting", "queue" => queue).set(waiting);
    }

    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send_alone(calls: &Calls, waiting: &Waiting) -> Result<(), Fault> {
    let verdicts = send_batch(calls, std::slice::from_ref(waiting)).await?;
    verdicts.into_iter().collect()
}

async fn send_batch(calls: &Calls, batch: &[Waiting]) -> Result<Vec<Result<(), Fault>>, Fault> {
    let entry = |(index, waiting): (usize, &Waiting)| {
        SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(&waiting.body)
            .delay_seconds(waiting.delay_s)
            .build()
    };
    let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
    let send = calls.client().await.send_message_batch().queue_url(calls.url().as_str());
    let answer = calls.noted(Ask::Send, send.set_entries(Some(entries)).send().await)?;

    let mut verdicts =
        vec![Err(Fault::Failed("it said nothing about this message".into())); batch.len()];
    let mut set = |id: &str, verdict| {
        if let Some(place) = id.parse().ok().and_then(|index: usize| verdicts.get_mut(index)) {
            *place = verdict;
        }
    };
    for taken in answer.successful() {
        set(taken.id(), Ok(()));
    }
    for refused in answer.failed() {
        let fault = Fault::of_entry(refused);
        calls.trouble.count(Ask::Send, &fault);
        set(refused.id(), Err(fault));
    }
    calls.count("sent", answer.successful().len());
    Ok(verdicts)
}
