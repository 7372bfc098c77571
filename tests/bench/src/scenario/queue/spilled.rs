use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use hookwire_event::{Event, EventId, Topic};
use hookwire_queue::{Content, InLog, Record};
use serde_json::Value;
use tokio::runtime::Builder;

use crate::event::{body, event};

/// Size of a message.
pub const MESSAGE_BYTES: usize = 600;
const TOPICS: u64 = 1_000;
/// When the first of them was accepted; each other one a millisecond after the one before.
const AGE: Duration = Duration::from_hours(6);

/// Messages of a relay that could reach nothing but the queue, in the order in which it accepted what they carry.
///
/// The events of a topic are a thousand apart, and an event's id is its number.
#[derive(Debug)]
pub struct Spilled(Vec<String>);

impl Spilled {
    pub fn new(events: u64) -> anyhow::Result<Self> {
        let since_epoch = (SystemTime::now() - AGE).duration_since(SystemTime::UNIX_EPOCH)?;
        let accepted = |number: u64| since_epoch + Duration::from_millis(number);
        let at = |number: u64| u64::try_from(accepted(number).as_micros());
        let smallest = message(&event(&topic(0), &id(0), &body(0))?, at(0)?).len();
        // Four characters stand for three bytes.
        let data = body(body(0).len() + MESSAGE_BYTES.saturating_sub(smallest) / 4 * 3);
        let model = event(&topic(0), &id(0), &data)?;
        let one = |number: u64| {
            let (id, topic) = (EventId::parse(&id(number))?, Topic::parse(&topic(number))?);
            anyhow::Ok(message(&Event { id, topic, ..model.clone() }, at(number)?))
        };
        let messages = (0..events).map(one).collect::<anyhow::Result<Vec<_>>>()?;
        let bytes = messages.first().map_or(MESSAGE_BYTES, String::len);
        ensure!(bytes.abs_diff(MESSAGE_BYTES) <= 4, "a message has {bytes} bytes");
        Ok(Self(messages))
    }

    pub fn messages(&self) -> &[String] {
        &self.0
    }

    pub fn events(&self) -> u64 {
        self.0.len() as u64
    }

    /// Every event is in the history of its topic, once and in the order in which it was accepted.
    pub fn all_in_order(&self, relay: SocketAddr) -> anyhow::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut faults = Faults::default();
        for first in 0..TOPICS {
            let url = format!("http://{relay}/topics/{}/events", topic(first));
            let kept = runtime.block_on(history(&client, &url))?;
            faults.add((first..self.events()).step_by(usize::try_from(TOPICS)?), &kept);
        }
        ensure!(faults == Faults::default(), "of {} events {faults:?}", self.events());
        Ok(())
    }
}

/// Events that are not where they should be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Faults {
    missing: usize,
    repeated: usize,
    /// They stand behind one that was accepted later.
    overtaken: usize,
}

impl Faults {
    /// Compares what was sent to a topic with what its history holds.
    fn add(&mut self, sent: impl Iterator<Item = u64>, kept: &[u64]) {
        let once: BTreeSet<_> = kept.iter().collect();
        self.missing += sent.filter(|number| !once.contains(number)).count();
        self.repeated += kept.len() - once.len();
        self.overtaken += kept.windows(2).filter(|two| two[0] > two[1]).count();
    }
}

/// Numbers of the events of a topic, page by page.
async fn history(client: &reqwest::Client, url: &str) -> anyhow::Result<Vec<u64>> {
    let (mut numbers, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(format!("{url}?limit=1000&after={after}")).send().await?;
        let page: Value = serde_json::from_slice(&page.error_for_status()?.bytes().await?)?;
        let events = page["events"].as_array().context("a page has events")?;
        if events.is_empty() {
            return Ok(numbers);
        }
        for event in events {
            numbers.push(event["event"]["id"].as_str().context("an event has an id")?.parse()?);
        }
        after = page["next"].as_str().context("a page has a cursor")?.to_owned();
    }
}

fn message(event: &Event, accepted_at_us: u64) -> String {
    Record { accepted_at_us, content: Content::Event(event.clone(), InLog::No) }.encode()
}

/// Always of one length, as the topics are.
fn id(number: u64) -> String {
    format!("{number:010}")
}

fn topic(number: u64) -> String {
    format!("spilled-{:04}", number % TOPICS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_repeated_or_overtaken_is_told_apart() {
        let mut faults = Faults::default();
        faults.add([1, 11, 21].into_iter(), &[1, 11, 21]);
        assert_eq!(faults, Faults::default());
        faults.add([1, 11, 21, 31].into_iter(), &[11, 1, 31, 31]);
        assert_eq!(faults, Faults { missing: 1, repeated: 1, overtaken: 1 });
    }
}
