use hookwire_log::BoxError;
use hookwire_queue::Depth;

use crate::SqsQueue;
use crate::attributes::Attributes;
use crate::calls::Calls;

impl SqsQueue {
    /// Asks how much it and its dead-letter queue hold, for the metrics: one call for each.
    ///
    /// # Errors
    ///
    /// The cause: one of them did not say, and its metrics stand still.
    pub async fn measure(&self) -> Result<(), BoxError> {
        let attributes = Attributes::of(&self.calls).await?;
        tell(&self.calls, "main", attributes.depth());
        if attributes.redrive().is_some()
            && let Some(dead) = self.grave.of(&self.calls).await?
        {
            tell(dead, "dead", Attributes::of(dead).await?.depth());
        }
        Ok(())
    }
}

fn tell(calls: &Calls, role: &'static str, Depth { waiting, in_flight, delayed }: Depth) {
    for (state, messages) in [("waiting", waiting), ("in_flight", in_flight), ("delayed", delayed)]
    {
        let queue = calls.url().name().to_owned();
        let labels = [("queue", queue), ("role", role.to_owned()), ("state", state.to_owned())];
        metrics::gauge!("hookwire_queue_depth", &labels).set(messages as f64);
    }
}
