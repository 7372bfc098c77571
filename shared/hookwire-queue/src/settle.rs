use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use crate::{Burials, Message, Queue, SendError, Verdict};

/// Receives of a hopeless message after which it is buried. Until then a relay that can read it may come.
const ATTEMPTS: u32 = 3;

/// Messages that are buried at the same time, with some calls for each.
const BURIED_AT_ONCE: usize = 8;

/// What became of the messages of a batch.
#[derive(Debug, Default)]
pub struct Settled {
    /// What they carry is in the log, or they are buried: to be deleted.
    pub done: Vec<Message>,
    /// The log did not take what they carry.
    pub failed: Vec<Message>,
    /// They are to be tried again, for another reason.
    pub again: Vec<Message>,
}

/// Sends and buries what its verdict says so of; what becomes of the messages themselves is up to who received them.
pub async fn settle(
    queue: &dyn Queue,
    burials: &Burials,
    messages: Vec<Message>,
    verdicts: Vec<Verdict>,
) -> Settled {
    let mut settled = Settled::default();
    let (mut verify, mut hopeless) = (Vec::new(), Vec::new());
    for (message, verdict) in messages.into_iter().zip(verdicts) {
        match verdict {
            Verdict::Done => settled.done.push(message),
            Verdict::Verify { body, after } => verify.push((message, body, after)),
            Verdict::Later => settled.failed.push(message),
            Verdict::Hopeless(reason) if message.receives >= ATTEMPTS => {
                hopeless.push((message, reason));
            }
            Verdict::Hopeless(_) => settled.again.push(message),
        }
    }
    // Sent together, so that they share calls.
    let sends = verify.into_iter().map(async |(message, body, after)| {
        let sent = queue.send(body, after).await;
        (message, sent)
    });
    for (message, sent) in join_all(sends).await {
        match sent {
            // What was taken once is refused only if the queue was changed since: the log has it, and that must do.
            Ok(()) | Err(SendError::TooLarge { .. } | SendError::Refused(_)) => {
                settled.done.push(message);
            }
            // It is received again, is then a duplicate, and is tried once more.
            Err(SendError::Unavailable(_)) => settled.again.push(message),
        }
    }
    settled.again.extend(bury(queue, burials, hopeless).await);
    settled
}

/// Buries messages, and tells somebody; returns those that could not be buried.
async fn bury(
    queue: &dyn Queue,
    burials: &Burials,
    hopeless: Vec<(Message, String)>,
) -> Vec<Message> {
    let buryings = stream::iter(hopeless).map(|(message, reason)| async move {
        let buried = queue.bury(&message, &reason).await;
        (message, reason, buried)
    });
    let buryings: Vec<_> = buryings.buffer_unordered(BURIED_AT_ONCE).collect().await;
    let (mut buried, mut left) = (Vec::new(), Vec::new());
    let mut cause = None;
    for (message, reason, outcome) in buryings {
        match outcome {
            Ok(()) => buried.push(reason),
            Err(error) => {
                cause = Some(error);
                left.push(message);
            }
        }
    }
    if let Some(reason) = buried.first() {
        metrics::counter!("hookwire_drained_total", "outcome" => "buried")
            .increment(buried.len() as u64);
        burials.buried(buried.len(), reason);
    }
    if let Some(error) = cause {
        burials.failed(left.len(), &error);
    }
    left
}

/// Gives messages back, to be received again the later the more often they were.
///
/// What the queue cannot be told is received again when its visibility time-out is over, which is safe.
pub async fn postpone(queue: &dyn Queue, messages: Vec<Message>) {
    let later = messages.into_iter().map(|message| {
        let delay = back_off(message.receives);
        (message, delay)
    });
    if let Err(error) = queue.postpone(&later.collect::<Vec<_>>()).await {
        tracing::debug!(error, "could not tell the queue when messages are to come again");
    }
}

/// When a message that could not be brought into the log is received again: 2 s, 4 s, 8 s … to five minutes.
///
/// With a thousand receives allowed that outlives an outage of three days, and five minutes are as long as an event
/// waits at most after the log is back.
#[must_use]
pub fn back_off(receives: u32) -> Duration {
    const LONGEST: Duration = Duration::from_mins(5);
    let doubled = Duration::from_secs(1 << receives.clamp(1, 9));
    // Those that came back together must not all come together again.
    doubled.min(LONGEST).mul_f64(0.75 + fastrand::f64() / 4.0)
}
