mod ending;
mod heard;
mod owed;
mod watch;

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use self::ending::Ending;
use self::heard::Heard;
use self::owed::{Owed, OwedPlace};
use crate::{
    InstanceId, Lease, Opened, Over, Revocation, Revocations, Revoke, Revoked, StreamId, Streams,
    Unavailable,
};

/// How many streams a subject may have open.
#[derive(Debug, Clone, Copy)]
pub struct StreamsConfig {
    /// Most of them, on all instances together; zero for any number.
    pub most: u32,
    /// What happens to one too many.
    pub over: Over,
    /// How long the places of a process outlive it.
    pub lease: Duration,
    /// How long a token may be good at most, by whatever clock, and so how long a revocation counts.
    pub longest_token: Duration,
    /// How far ahead of this clock that of those who issue tokens may be.
    pub leeway: Duration,
}

/// Who opens a stream.
#[derive(Clone)]
pub struct Holder {
    /// The user within the tenant.
    pub subject: String,
    /// The id of the token within the tenant, if it has one.
    pub token: Option<String>,
    /// When the token was issued, if it says so.
    pub issued_at: Option<SystemTime>,
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder").field("issued_at", &self.issued_at).finish_non_exhaustive()
    }
}

/// Why a stream ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Newer streams of its subject have taken its place.
    Evicted,
    /// Its token is revoked.
    Revoked,
}

/// The subject has as many streams as it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// When a place may be free.
    pub retry_after: Duration,
}

/// The streams that this instance serves, and what the others say of them.
#[derive(Debug)]
pub struct OpenStreams {
    config: StreamsConfig,
    instance: InstanceId,
    shared: Arc<dyn Streams>,
    revocations: Arc<dyn Revocations>,
    revoked: Revoked,
    heard: Heard,
    next: AtomicU64,
    here: Mutex<HashMap<StreamId, Here>>,
    owed: Owed,
}

#[derive(Debug)]
struct Here {
    holder: Holder,
    standing: Standing,
    ending: Arc<Ending>,
}

/// What is known of a stream's place among those of its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is being asked for; where any number may be open, nobody does.
    Asked,
    /// The stream has it.
    Held {
        /// By the clock of whoever keeps the leases.
        since_us: u64,
    },
    /// What is shared did not answer: the next renewal asks again.
    Unanswered,
}

/// The place of one stream; dropped, it is free.
#[derive(Debug)]
pub struct Place {
    id: StreamId,
    streams: Arc<OpenStreams>,
    ending: Arc<Ending>,
}

impl OpenStreams {
    /// Knows of no streams yet; [`OpenStreams::watch`] must run for evictions and revocations to arrive.
    #[must_use]
    pub fn new(
        config: StreamsConfig,
        shared: Arc<dyn Streams>,
        revocations: Arc<dyn Revocations>,
    ) -> Self {
        Self {
            config,
            instance: InstanceId::random(),
            shared,
            revocations,
            revoked: Revoked::default(),
            heard: Heard::default(),
            next: AtomicU64::new(0),
            here: Mutex::default(),
            owed: Owed::default(),
        }
    }

    /// Gives a new stream its place. If that costs an older one its own, it ends with [`Ended::Evicted`], on whatever
    /// instance it is.
    ///
    /// While what is shared does not answer everybody has a place: a limit that is too lax for a while does less harm
    /// than a stream that cannot be opened.
    ///
    /// # Errors
    ///
    /// [`Full`], only with [`Over::RefuseNewest`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, the place is given back.
    pub async fn open(self: &Arc<Self>, holder: Holder) -> Result<Place, Full> {
        let id = StreamId { instance: self.instance, n: self.next.fetch_add(1, Ordering::Relaxed) };
        let subject = holder.subject.clone();
        let ending = Arc::<Ending>::default();
        let standing = Standing::Asked;
        let here = Here { holder: holder.clone(), standing, ending: Arc::clone(&ending) };
        // Before the place is asked for, so that an eviction right behind it finds the stream here.
        self.lock().insert(id, here);
        // Whoever was let in a moment ago may have been revoked since: either this sees it, or whoever learns of it sees
        // the stream.
        if self.is_revoked(&holder)
            && let Some(here) = self.lock().get(&id)
        {
            here.end(Ended::Revoked);
        }
        let place = Place { id, streams: Arc::clone(self), ending };
        if self.config.most == 0 {
            return Ok(place);
        }
        // In a task of its own, which goes on if the caller goes away: the place is then dropped when there is an answer.
        // Dropped before that, giving it back might overtake the asking, and leave it taken for the time of a lease.
        let streams = Arc::clone(self);
        let asking = async move { streams.admit(&subject, place).await };
        match tokio::spawn(asking.in_current_span()).await {
            Ok(admitted) => admitted,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and the caller with it.
                Err(_cancelled) => std::future::pending().await,
            },
        }
    }

    /// Whether a token is revoked, as far as this instance has heard.
    #[must_use]
    pub fn is_revoked(&self, holder: &Holder) -> bool {
        self.revoked.contains(&holder.subject, holder.token.as_deref(), holder.issued_at)
    }

    /// Revokes a subject's tokens or one token, on all instances: here at once, elsewhere within a second.
    ///
    /// # Errors
    ///
    /// [`Unavailable`]: the others may not hear of it; revoke again.
    pub async fn revoke(&self, of: Revoke, now: SystemTime) -> Result<(), Unavailable> {
        // A token that was issued by now may say that it will be.
        let until = now + self.config.leeway;
        let since = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let at_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let revocation = Revocation { of, at_ms };
        self.revocations.revoke(&revocation).await?;
        self.learn(&[revocation]);
        Ok(())
    }

    /// Whether a stream may lose its place to newer ones.
    #[must_use]
    pub fn evicts(&self) -> bool {
        self.config.most > 0 && self.config.over == Over::EvictOldest
    }

    /// How many streams are open here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether none is open here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    async fn admit(&self, subject: &str, place: Place) -> Result<Place, Full> {
        match self.ask(subject, place.id).await {
            Ok(Opened::Admitted { .. }) => Ok(place),
            Ok(Opened::Full { retry_after }) => Err(Full { retry_after }),
            Err(_unavailable) => {
                self.stand(place.id, Standing::Unanswered);
                Ok(place)
            }
        }
    }

    /// Asks for the place of a stream, and ends those of this instance that it costs their own.
    async fn ask(&self, subject: &str, id: StreamId) -> Result<Opened, Unavailable> {
        // Otherwise places of streams that are closed would count, and cost those that are open their own.
        self.settle(subject).await?;
        let StreamsConfig { most, over, lease, .. } = self.config;
        let opened = self.shared.open(subject, id, most, over, lease).await?;
        if let Opened::Admitted { since_us, evicted } = &opened {
            self.stand(id, Standing::Held { since_us: *since_us });
            self.evict(evicted);
        }
        Ok(opened)
    }

    /// Gives a place back, or owes it. Its adapter tells of its trouble.
    async fn give_back(&self, subject: &str, stream: StreamId) {
        let place = OwedPlace { stream, ends_at: Instant::now() + self.config.lease };
        drop(self.pay(subject, place).await);
    }

    /// Gives back what is owed of a subject's places. Where one is not answered the others are not
    /// tried: a subject's places are kept together, and a stream may wait for this.
    async fn settle(&self, subject: &str) -> Result<(), Unavailable> {
        let mut places = self.owed.take_of(subject).into_iter();
        for place in places.by_ref() {
            if let Err(unavailable) = self.pay(subject, place).await {
                places.for_each(|place| self.owed.add(subject, place));
                return Err(unavailable);
            }
        }
        Ok(())
    }

    async fn pay(&self, subject: &str, place: OwedPlace) -> Result<(), Unavailable> {
        let closed = self.shared.close(subject, place.stream).await;
        if closed.is_err() {
            self.owed.add(subject, place);
        }
        closed
    }

    fn stand(&self, id: StreamId, standing: Standing) {
        if let Some(here) = self.lock().get_mut(&id) {
            here.standing = standing;
        }
    }

    fn learn(&self, revocations: &[Revocation]) {
        if revocations.is_empty() {
            return;
        }
        revocations.iter().for_each(|one| self.revoked.learn(one));
        for here in self.lock().values().filter(|here| self.is_revoked(&here.holder)) {
            here.end(Ended::Revoked);
        }
    }

    fn evict(&self, streams: &[StreamId]) {
        let here = self.lock();
        streams.iter().filter_map(|id| here.get(id)).for_each(|here| here.end(Ended::Evicted));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places that are held. One that is still asked for has no lease that could be renewed, and would be taken for
    /// one that others have taken.
    fn leases(&self) -> Vec<Lease> {
        let here = self.lock();
        let lease = |(id, here): (&StreamId, &Here)| match here.standing {
            Standing::Held { since_us } if here.goes_on() => {
                Some(Lease { subject: here.holder.subject.clone(), stream: *id, since_us })
            }
            _ => None,
        };
        here.iter().filter_map(lease).collect()
    }

    /// The streams whose places must be asked for again, and their subjects, oldest first.
    fn unanswered(&self) -> Vec<(StreamId, String)> {
        let here = self.lock();
        let unanswered =
            here.iter().filter(|(_, here)| here.standing == Standing::Unanswered && here.goes_on());
        let mut unanswered: Vec<_> =
            unanswered.map(|(id, here)| (*id, here.holder.subject.clone())).collect();
        unanswered.sort_unstable();
        unanswered
    }
}

impl Here {
    /// One that is about to end must not get a new lease.
    fn goes_on(&self) -> bool {
        self.ending.why().is_none()
    }

    fn end(&self, why: Ended) {
        self.ending.tell(why);
    }
}

impl Place {
    /// Waits until the stream has to end.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, nothing is lost.
    pub async fn ended(&mut self) -> Ended {
        poll_fn(|cx| self.poll_ended(cx)).await
    }

    /// Whether the stream has to end.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ending.why().is_some()
    }

    /// Says why the stream has to end, or has it told when it does: whoever asked last.
    pub fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.ending.poll(cx)
    }

    /// Gives it back, and waits until that is done: what is left to a task, a process that is frozen between requests may
    /// never come to.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, the place is given back all the same.
    pub async fn release(self) {
        if let Some(giving_back) = self.give_back() {
            drop(giving_back.await);
        }
    }

    /// Gives it back in a task, which goes on when nobody waits for it; nothing to do when others have it already.
    fn give_back(&self) -> Option<JoinHandle<()>> {
        let here = self.streams.lock().remove(&self.id)?;
        let evicted = here.ending.why() == Some(Ended::Evicted);
        if self.streams.config.most == 0 || evicted {
            return None;
        }
        // Without a runtime the process is about to end, and the lease after it.
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let (streams, id) = (Arc::clone(&self.streams), self.id);
        Some(runtime.spawn(async move { streams.give_back(&here.holder.subject, id).await }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.give_back());
    }
}
