use std::time::Duration;

use hookwire_boot::{FromSetting, Settings};
use hookwire_log::Retention;
use hookwire_queue::{Ack, DrainConfig, Durability, Mode};
use hookwire_queue_sqs::{QueueUrl, SqsConfig};

/// The queue beside the log, and what goes there.
#[derive(Debug)]
pub struct QueueSettings {
    /// The queue.
    pub sqs: SqsConfig,
    /// What goes there.
    pub durability: Durability,
}

impl QueueSettings {
    /// Whether every event goes to the queue.
    #[must_use]
    pub fn mirrors(&self) -> bool {
        self.durability.mode == Mode::Mirror
    }

    /// Whether whatever the log loses is in the queue, so that nobody has to be told of a possible loss.
    #[must_use]
    pub fn brings_everything_back(&self) -> bool {
        self.mirrors() && self.durability.ack == Ack::Queue
    }

    /// What a drain of this queue must know of its log.
    #[must_use]
    pub fn drain(&self, retention: &Retention) -> DrainConfig {
        DrainConfig {
            dedupe_window: retention.dedupe_window,
            retention_age: retention.age,
            verify_after: self.mirrors().then_some(self.durability.delay),
        }
    }
}

/// Reads the settings of the queue, if there is one.
pub fn queue(settings: &Settings) -> Option<QueueSettings> {
    let Address(url) = settings.optional("queue")?;
    // SQS delays no message for longer.
    let delay = Duration::from_secs(1)..=Duration::from_mins(15);
    let ModeSetting(mode) = settings.value("durability");
    let AckSetting(ack) = settings.value("ack");
    let delay = settings.value_in("queue_delay", delay);
    if mode == Mode::Fallback && ack == Ack::Queue {
        settings.mistake("ack", "must be `any` with `durability = \"fallback\"`, where most events never go to the queue");
    }
    // And hides none for longer.
    let visibility = Duration::from_secs(1)..=Duration::from_hours(12);
    let visibility = settings.value_in("queue_visibility", visibility);
    let sqs = SqsConfig { visibility, ..SqsConfig::new(url) };
    Some(QueueSettings { sqs, durability: Durability { mode, ack, delay } })
}

struct Address(QueueUrl);

impl FromSetting for Address {
    const EXPECTS: &'static str = "`sqs:` and the URL of a standard queue";

    fn from_text(text: &str) -> Result<Self, String> {
        let url = text.strip_prefix("sqs:").ok_or("no such queue")?;
        url.parse()
            .map(Self)
            .map_err(|error: hookwire_queue_sqs::InvalidQueueUrl| error.to_string())
    }
}

struct ModeSetting(Mode);

impl FromSetting for ModeSetting {
    const EXPECTS: &'static str = "`mirror` or `fallback`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "mirror" => Ok(Self(Mode::Mirror)),
            "fallback" => Ok(Self(Mode::Fallback)),
            _ => Err(String::new()),
        }
    }
}

struct AckSetting(Ack);

impl FromSetting for AckSetting {
    const EXPECTS: &'static str = "`any` or `queue`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "any" => Ok(Self(Ack::Any)),
            "queue" => Ok(Self(Ack::Queue)),
            _ => Err(String::new()),
        }
    }
}
