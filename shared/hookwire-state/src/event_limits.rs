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
    /// Counts one event of a topic, which is named with its tenant.
    ///
    /// # Errors
    ///
    /// [`OverLimit`]: it is not to be taken now.
    pub async fn take(&self, topic: &str) -> Result<(), OverLimit> {
        for (limit, key) in [(&self.topic, topic), (&self.global, "all")] {
            if let Some(limit) = limit {
                limit.take(key).await?;
            }
        }
        Ok(())
    }
}
