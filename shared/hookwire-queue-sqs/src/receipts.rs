use std::future::ready;
use std::time::Duration;

use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use hookwire_queue::Message;

use crate::calls::Calls;
use crate::fault::Fault;
use crate::seconds;
use crate::trouble::Ask;

/// Something was not done to messages that were received.
#[derive(Debug, thiserror::Error)]
#[error("{failed} of {all} messages were not {done}")]
pub(crate) struct Undone {
    done: &'static str,
    failed: usize,
    all: usize,
    /// The first of the causes.
    source: Fault,
}

/// Most messages of one call.
const AT_ONCE: usize = 10;
/// Calls that are on their way at the same time.
const IN_FLIGHT: usize = 8;
/// Longest time that a message is kept from receivers: SQS refuses what ends more than 12 hours after the receive.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html>
const DELAY: Duration = Duration::from_hours(11);

pub(crate) async fn delete(calls: &Calls, messages: &[Message]) -> Result<(), Undone> {
    let batches = messages.chunks(AT_ONCE);
    let made = batches.map(|batch| part(batch.len(), delete_batch(calls, batch))).collect();
    all(made, calls, "deleted", messages.len()).await
}

async fn delete_batch(calls: &Calls, batch: &[Message]) -> Result<Failed, Fault> {
    let entry = |(index, message): (usize, &Message)| {
        DeleteMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .receipt_handle(&message.receipt)
            .build()
    };
    let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
    let call = calls.client().await.delete_message_batch().queue_url(calls.url().as_str());
    let call = call.set_entries(Some(entries)).customize();
    let answer = call.config_override(calls.patient(Duration::ZERO)).send().await;
    Ok(calls.noted(Ask::Delete, answer)?.failed)
}

pub(crate) async fn postpone(
    calls: &Calls,
    messages: &[(Message, Duration)],
) -> Result<(), Undone> {
    let batches = messages.chunks(AT_ONCE);
    let made = batches.map(|batch| part(batch.len(), postpone_batch(calls, batch))).collect();
    all(made, calls, "postponed", messages.len()).await
}

async fn postpone_batch(calls: &Calls, batch: &[(Message, Duration)]) -> Result<Failed, Fault> {
    let entry = |(index, (message, delay)): (usize, &(Message, Duration))| {
        ChangeMessageVisibilityBatchRequestEntry::builder()
            .id(index.to_string())
            .receipt_handle(&message.receipt)
            .visibility_timeout(seconds((*delay).min(DELAY)))
            .build()
    };
    let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
    let client = calls.client().await;
    let call = client.change_message_visibility_batch().queue_url(calls.url().as_str());
    let call = call.set_entries(Some(entries)).customize();
    let answer = call.config_override(calls.patient(Duration::ZERO)).send().await;
    Ok(calls.noted(Ask::Postpone, answer)?.failed)
}

/// The messages of a call that it was not done to.
type Failed = Vec<BatchResultErrorEntry>;

/// One of the calls that it takes: how many messages of it failed, and why the first of them.
type Part<'a> = BoxFuture<'a, (usize, Option<Fault>)>;

fn part<'a>(
    messages: usize,
    call: impl Future<Output = Result<Failed, Fault>> + Send + 'a,
) -> Part<'a> {
    let part = async move {
        match call.await {
            Ok(failed) => (failed.len(), failed.first().map(Fault::of_entry)),
            Err(fault) => (messages, Some(fault)),
        }
    };
    part.boxed()
}

/// Makes the calls, several at a time.
async fn all(
    parts: Vec<Part<'_>>,
    calls: &Calls,
    done: &'static str,
    messages: usize,
) -> Result<(), Undone> {
    let parts = stream::iter(parts).buffer_unordered(IN_FLIGHT);
    let (failed, first) = parts
        .fold((0, None), |(failed, first), (more, fault)| ready((failed + more, first.or(fault))))
        .await;
    calls.count(done, messages.saturating_sub(failed));
    match first {
        None => Ok(()),
        Some(source) => Err(Undone { done, failed, all: messages, source }),
    }
}
