use crate::{Limit, OverLimit};

/// How many events may come in, however they come: on one topic, and in all.
#[derive(Debug, Default)]
pub struct EventLimits {
    /// On one topic.
    pub topic: Option<Limit>,
    /// In all.
    pub global: Option<Limit>,
}

impl EventLimits {
    /// Counts one event of a topic, which is named with its tenant. What is too much for the topic has counted for all:
    /// the other way round a relay that is full would use up the topics of everybody.
    ///
    /// # Errors
    ///
    /// [`OverLimit`]: it is not to be taken now.
    pub async fn take(&self, topic: &str) -> Result<(), OverLimit> {
        for (limit, key) in [(&self.global, "all"), (&self.topic, topic)] {
            if let Some(limit) = limit {
                limit.take(key).await?;
            }
        }
        Ok(())
    }
}
