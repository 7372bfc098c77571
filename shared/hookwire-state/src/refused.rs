use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// Who was refused, and until when.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    until: HashMap<String, Instant>,
    /// When there may be something to forget again.
    forget_at: Option<Instant>,
}

impl Refused {
    /// Most keys that are remembered.
    const MOST: usize = 10_000;
    /// Least time between two walks through all keys, during which nobody else is counted. While everybody is over the
    /// limit their ends pass one after another, so that each further refusal would find one that is over.
    const FORGET_EVERY: Duration = Duration::from_secs(1);

    /// How long `key` is still refused.
    pub(crate) fn wait(&self, key: &str) -> Option<Duration> {
        let wait = self.until.get(key)?.checked_duration_since(Instant::now())?;
        Some(wait).filter(|wait| !wait.is_zero())
    }

    /// Remembers that `key` is refused for a time; full of others that are refused it does not.
    pub(crate) fn remember(&mut self, key: &str, retry_after: Duration) {
        let now = Instant::now();
        if self.until.len() >= Self::MOST && self.forget_at.is_none_or(|at| at <= now) {
            self.until.retain(|_, until| *until > now);
            self.forget_at = Some(now + Self::FORGET_EVERY);
        }
        if self.until.len() < Self::MOST {
            self.until.insert(key.to_owned(), now + retry_after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn full_of_keys_it_looks_for_room_once_a_second() {
        let mut refused = Refused::default();
        for key in 0..Refused::MOST {
            refused.remember(&key.to_string(), Duration::from_millis(100));
        }
        refused.remember("too early", Duration::from_secs(9));
        tokio::time::advance(Duration::from_millis(200)).await;
        refused.remember("without a walk", Duration::from_secs(9));
        assert_eq!(refused.until.len(), Refused::MOST);
        assert!(refused.wait("too early").or(refused.wait("without a walk")).is_none());
        tokio::time::advance(Duration::from_secs(1)).await;
        refused.remember("after a walk", Duration::from_secs(9));
        assert_eq!(refused.until.len(), 1);
        assert_eq!(refused.wait("after a walk"), Some(Duration::from_secs(9)));
    }
}
