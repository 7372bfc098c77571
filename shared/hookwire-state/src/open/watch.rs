use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use super::{Ended, OpenStreams};
use crate::{Lease, StreamId, Unavailable};

/// How often the mailbox and the revocations are asked for: an eviction must arrive within a second.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// Leases in one call.
const AT_ONCE: usize = 500;
/// How often what is older than any token is forgotten.
const FORGET_EVERY: Duration = Duration::from_hours(1);

impl OpenStreams {
    /// Ends streams that were evicted or revoked elsewhere, and keeps the places of those that are open, for ever.
    pub async fn watch(self: Arc<Self>) {
        // Beside each other: after an outage it may take long until everybody has a place again.
        tokio::join!(self.listen(), self.keep());
    }

    async fn listen(&self) {
        let mut asking = interval(ASK_EVERY);
        asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut forget_at = Instant::now();
        loop {
            asking.tick().await;
            // Its adapter tells of its trouble, and the next time it is asked again.
            drop(self.catch_up().await);
            if self.config.most > 0
                && !self.is_empty()
                && let Ok(evicted) = self.shared.evicted(self.instance).await
            {
                self.evict(&evicted);
            }
            if Instant::now() >= forget_at {
                let oldest = SystemTime::now().checked_sub(self.config.longest_token);
                self.revoked.forget_before(oldest.unwrap_or(SystemTime::UNIX_EPOCH));
                forget_at = Instant::now() + FORGET_EVERY;
            }
        }
    }

    async fn keep(&self) {
        if self.config.most == 0 {
            return;
        }
        let every = (self.config.lease / 3).max(ASK_EVERY);
        let mut keeping = interval_at(Instant::now() + every, every);
        keeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = keeping.tick().await + every;
            // Without an answer there would be none to this.
            if self.renew().await.is_ok() {
                self.ask_again(next).await;
            }
        }
    }

    async fn renew(&self) -> Result<(), Unavailable> {
        // Before a lease that ended is made anew: there must be room for it. In a cluster the loss of one master must not
        // keep the others' leases from being renewed.
        for subject in self.owed.subjects() {
            drop(self.settle(&subject).await);
        }
        let leases = self.leases();
        for some in leases.chunks(AT_ONCE) {
            let gone = self.shared.renew(some, self.config.most, self.config.lease).await?;
            self.evict(&gone);
            for Lease { subject, stream, .. } in some {
                self.give_back_closed(subject, *stream).await;
            }
        }
        Ok(())
    }

    /// Asks for the places of streams that were let in while nobody answered, until the next renewal is due.
    ///
    /// Where the newest is refused such a stream stays although there is no place for it: it was accepted.
    async fn ask_again(&self, until: Instant) {
        for (stream, subject) in self.unanswered() {
            if Instant::now() >= until {
                break;
            }
            drop(self.ask(&subject, stream).await);
            self.give_back_closed(&subject, stream).await;
        }
    }

    /// A stream that closed while its place was renewed or asked for may have got it after it was given back.
    async fn give_back_closed(&self, subject: &str, stream: StreamId) {
        let open =
            self.lock().get(&stream).is_some_and(|here| here.ending.why() != Some(Ended::Evicted));
        if !open {
            self.give_back(subject, stream).await;
        }
    }
}
