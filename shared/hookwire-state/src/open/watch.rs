use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Ended, OpenStreams};
use crate::{Lease, Mark, Unavailable};

/// How often the mailbox and the revocations are asked for: an eviction must arrive within a second.
const ASK_EVERY: Duration = Duration::from_millis(300);
/// Leases in one call.
const AT_ONCE: usize = 500;
/// How often what is older than any token is forgotten.
const FORGET_EVERY: Duration = Duration::from_hours(1);

impl OpenStreams {
    /// Reads all revocations there are, for a process that is about to serve.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: there may be more, behind the mark.
    pub async fn catch_up(&self, mark: &mut Mark) -> Result<(), Unavailable> {
        loop {
            let (page, next) = self.revocations.after(mark).await?;
            self.learn(&page);
            *mark = next;
            if page.is_empty() {
                return Ok(());
            }
        }
    }

    /// Ends streams that were evicted or revoked elsewhere, and renews the places of those that are open, for ever.
    pub async fn watch(self: Arc<Self>, mut mark: Mark) {
        let mut asking = interval(ASK_EVERY);
        asking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let renew_every = self.config.lease / 3;
        let (mut renew_at, mut forget_at) = (Instant::now() + renew_every, Instant::now());
        loop {
            asking.tick().await;
            // Its adapter tells of its trouble, and the next time it is asked again.
            drop(self.catch_up(&mut mark).await);
            if self.config.most > 0 && !self.is_empty() {
                if let Ok(evicted) = self.shared.evicted(self.instance).await {
                    self.evict(&evicted);
                }
                if Instant::now() >= renew_at {
                    self.renew().await;
                    renew_at = Instant::now() + renew_every;
                }
            }
            if Instant::now() >= forget_at {
                let oldest = SystemTime::now().checked_sub(self.config.longest_token);
                self.revoked.forget_before(oldest.unwrap_or(SystemTime::UNIX_EPOCH));
                forget_at = Instant::now() + FORGET_EVERY;
            }
        }
    }

    async fn renew(&self) {
        let leases = self.leases();
        for some in leases.chunks(AT_ONCE) {
            match self.shared.renew(some, self.config.most, self.config.lease).await {
                Ok(gone) => self.evict(&gone),
                // Those behind it would only wait for the same.
                Err(_unavailable) => return,
            }
            self.give_back_closed(some).await;
        }
    }

    /// A stream that closed while its lease was renewed may have had it made anew.
    async fn give_back_closed(&self, leases: &[Lease]) {
        for Lease { subject, stream, .. } in leases {
            let open = self
                .lock()
                .get(stream)
                .is_some_and(|here| *here.ended.borrow() != Some(Ended::Evicted));
            if !open {
                drop(self.shared.close(subject, *stream).await);
            }
        }
    }
}
