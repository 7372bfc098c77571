use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use hookwire_log::Lateness;
use hookwire_queue::{Burials, Drain, Message, Settled, postpone, settle};
use hookwire_queue_sqs::SqsQueue;

/// What one call of the function works with.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) drain: Drain,
    pub(crate) queue: SqsQueue,
    pub(crate) name: String,
    /// What the drain met that the log did not have.
    pub(crate) lateness: Lateness,
    pub(crate) burials: Burials,
}

impl Batch {
    /// Moves the messages of one call into the log; answers which of them SQS must not delete.
    pub(crate) async fn handle(
        &self,
        event: SqsEvent,
    ) -> Result<SqsBatchResponse, lambda_runtime::Error> {
        let messages: Option<Vec<_>> = event.records.into_iter().map(message).collect();
        // One that is left out would count as moved, and be deleted.
        let messages = messages.ok_or("a message has no id or no receipt handle")?;
        let (messages, ids): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        let verdicts = self.drain.take(&messages).await;
        self.tell_oldest();
        let settled = settle(&self.queue, &self.burials, messages.clone(), verdicts).await;
        let Settled { failed, again, .. } = settled;
        let kept = [failed, again].concat();
        let is_kept = |message: &Message| kept.iter().any(|kept| kept.receipt == message.receipt);
        let mut response = SqsBatchResponse::default();
        for (message, id) in messages.iter().zip(ids) {
            if is_kept(message) {
                response.add_failure(id);
            }
        }
        postpone(&self.queue, kept).await;
        Ok(response)
    }
}

impl Batch {
    /// Tells how long the oldest of these messages was the only one to have its event.
    fn tell_oldest(&self) {
        let queue = self.name.clone();
        metrics::gauge!("hookwire_queue_oldest_seconds", "queue" => queue)
            .set(self.lateness.oldest());
        self.lateness.settle(self.lateness.signs());
    }
}

/// The message and its id; nothing for what SQS would never send.
fn message(record: SqsMessage) -> Option<(Message, String)> {
    let number = |name: &str| record.attributes.get(name)?.parse::<u64>().ok();
    let receives = number("ApproximateReceiveCount").unwrap_or(1);
    let message = Message {
        receives: u32::try_from(receives).unwrap_or(u32::MAX),
        sent_at_ms: number("SentTimestamp").unwrap_or_default(),
        reason: None,
        // A body that is missing cannot be read, and is treated so.
        body: record.body.unwrap_or_default(),
        receipt: record.receipt_handle?,
    };
    Some((message, record.message_id?))
}
