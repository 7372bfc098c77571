use std::time::Duration;

use hookwire_boot::{FromSetting, Settings};
use hookwire_queue::{Ack, Durability, Mode};

/// Reads what goes to the queue, if there is one.
pub fn durability(settings: &Settings) -> Option<Durability> {
    let _queue: String = settings.optional("queue")?;
    // SQS delays no message for longer.
    let delay = Duration::from_secs(1)..=Duration::from_mins(15);
    let ModeSetting(mode) = settings.value("durability");
    let AckSetting(ack) = settings.value("ack");
    let delay = settings.value_in("queue_delay", delay);
    if mode == Mode::Fallback && ack == Ack::Queue {
        settings.mistake("ack", "must be `any` with `durability = \"fallback\"`, where most events never go to the queue");
    }
    Some(Durability { mode, ack, delay })
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
