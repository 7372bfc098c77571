use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use hookwire_event::EventTime;
use hookwire_queue::{Content, Message, Queue, Record};
use hookwire_queue_sqs::SqsQueue;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{MissedTickBehavior, interval};

use crate::args::Redrive;
use crate::config::load;

/// Receives in a row that bring nothing, after which nothing is there: SQS may overlook what it has.
const EMPTY: u32 = 3;
const WAIT: Duration = Duration::from_secs(1);

/// `hookwire redrive`: moves dead letters back into the queue, from where the relays take them into the log.
pub(crate) async fn redrive(path: Option<PathBuf>, redrive: Redrive) -> anyhow::Result<()> {
    let (config, _warnings) = load(path).await?;
    let Some(settings) = config.queue else {
        bail!(
            "no queue is configured, so there are no dead letters; what could never become an event is in the \
             quarantine: `hookwire quarantine list`, and `hookwire quarantine retry --all`"
        );
    };
    let queue = SqsQueue::new(settings.sqs);
    let dead = queue.dead_letters().await.map_err(anyhow::Error::from_boxed);
    let dead = dead.context("the queue does not answer")?;
    let dead = dead
        .with_context(|| "the queue has no dead-letter queue; give it one with a redrive policy")?;
    let depth = dead.depth().await.map_err(anyhow::Error::from_boxed)?;
    let there = depth.waiting + depth.in_flight;
    let wanted = there.min(redrive.max.unwrap_or(u64::MAX));
    match redrive.list {
        true => list(&dead, wanted).await,
        false => move_back(&dead, &queue, wanted, redrive.rate).await,
    }
}

/// Shows dead letters and puts them back.
async fn list(dead: &SqsQueue, wanted: u64) -> anyhow::Result<()> {
    let (mut shown, mut letters) = (0, Vec::new());
    let mut empty = 0;
    while shown < wanted && empty < EMPTY {
        let messages = dead.receive(WAIT).await.map_err(anyhow::Error::from_boxed)?;
        empty = if messages.is_empty() { empty + 1 } else { 0 };
        for mut message in messages {
            writeln!(std::io::stdout(), "{}", line(&message))?;
            message.body.clear();
            shown += 1;
            letters.push((message, Duration::ZERO));
        }
    }
    // Only now, or the same ones would be received again.
    dead.postpone(&letters).await.map_err(anyhow::Error::from_boxed)?;
    writeln!(
        std::io::stdout(),
        "{shown} of {wanted} dead letters; `hookwire redrive` moves them back"
    )?;
    Ok(())
}

fn line(message: &Message) -> String {
    let what = match Record::decode(&message.body) {
        Ok(Record { content: Content::Event(event, _), .. }) => {
            format!("event {} on {}", event.id, event.topic.as_str())
        }
        Ok(Record { content: Content::Quarantined(notification), .. }) => {
            format!("notification of {}", notification.source)
        }
        Err(_unreadable) => "message".to_owned(),
    };
    let reason = message.reason.as_deref().unwrap_or("received too often; SQS moved it");
    format!("{}  {what}: {reason}", EventTime::from_unix_ms(message.sent_at_ms).as_str())
}

async fn move_back(
    dead: &SqsQueue,
    queue: &SqsQueue,
    wanted: u64,
    rate: u32,
) -> anyhow::Result<()> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {per_sec}  {eta} left")?;
    let bar = ProgressBar::new(wanted).with_style(style);
    let mut turn = interval(Duration::from_secs(1) / rate);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut moved, mut empty) = (0, 0);
    while moved < wanted && empty < EMPTY {
        let messages = dead.receive(WAIT).await.map_err(anyhow::Error::from_boxed)?;
        empty = if messages.is_empty() { empty + 1 } else { 0 };
        let mut gone = Vec::new();
        for message in messages {
            if moved == wanted {
                // It is not deleted, so it stays where it is.
                break;
            }
            turn.tick().await;
            let sent = queue.send(message.body.clone(), Duration::ZERO).await;
            if let Err(error) = sent {
                delete(dead, &gone).await?;
                return Err(error)
                    .context(format!("moved {moved} of {wanted}, then the queue took no more"));
            }
            gone.push(message);
            moved += 1;
            bar.inc(1);
        }
        // After the send: a letter that is in both is appended once, one that is in neither is lost.
        delete(dead, &gone).await?;
    }
    bar.finish_and_clear();
    writeln!(std::io::stdout(), "moved {moved} of {wanted} dead letters back into the queue")?;
    Ok(())
}

async fn delete(dead: &SqsQueue, messages: &[Message]) -> anyhow::Result<()> {
    let deleted = dead.delete(messages).await.map_err(anyhow::Error::from_boxed);
    deleted.context("could not delete dead letters; what was moved is moved again by the next redrive, which is safe")
}
