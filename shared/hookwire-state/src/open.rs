mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch as signal;

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
#[derive(Debug, Clone)]
pub struct Holder {
    /// The user within the tenant.
    pub subject: String,
    /// The id of the token within the tenant, if it has one.
    pub token: Option<String>,
    /// When the token was issued, if it says so.
    pub issued_at: Option<SystemTime>,
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
    next: AtomicU64,
    here: Mutex<HashMap<StreamId, Here>>,
}

#[derive(Debug)]
struct Here {
    holder: Holder,
    /// Nothing while what is shared did not answer: the next renewal asks again.
    since_us: u64,
    ended: signal::Sender<Option<Ended>>,
}

/// The place of one stream; dropped, it is free.
#[derive(Debug)]
pub struct Place {
    id: StreamId,
    streams: Arc<OpenStreams>,
    ended: signal::Receiver<Option<Ended>>,
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
            next: AtomicU64::new(0),
            here: Mutex::default(),
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
    pub async fn open(self: &Arc<Self>, holder: Holder) -> Result<Place, Full> {
        let id = StreamId { instance: self.instance, n: self.next.fetch_add(1, Ordering::Relaxed) };
        let subject = holder.subject.clone();
        let (told, ended) = signal::channel(None);
        let here = Here { holder: holder.clone(), since_us: 0, ended: told };
        // Before the place is asked for, so that an eviction right behind it finds the stream here.
        self.lock().insert(id, here);
        // Whoever was let in a moment ago may have been revoked since: either this sees it, or whoever learns of it sees
        // the stream.
        if self.is_revoked(&holder)
            && let Some(here) = self.lock().get(&id)
        {
            here.end(Ended::Revoked);
        }
        let place = Place { id, streams: Arc::clone(self), ended };
        if self.config.most == 0 {
            return Ok(place);
        }
        let StreamsConfig { most, over, lease, .. } = self.config;
        match self.shared.open(&subject, id, most, over, lease).await {
            Ok(Opened::Admitted { since_us, evicted }) => {
                if let Some(here) = self.lock().get_mut(&id) {
                    here.since_us = since_us;
                }
                self.evict(&evicted);
                Ok(place)
            }
            Ok(Opened::Full { retry_after }) => Err(Full { retry_after }),
            Err(_unavailable) => Ok(place),
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

    fn leases(&self) -> Vec<Lease> {
        let lease = |(id, here): (&StreamId, &Here)| Lease {
            subject: here.holder.subject.clone(),
            stream: *id,
            since_us: here.since_us,
        };
        // One that is about to end must not get a new lease.
        let here = self.lock();
        here.iter().filter(|(_, here)| here.ended.borrow().is_none()).map(lease).collect()
    }
}

impl Here {
    fn end(&self, why: Ended) {
        self.ended.send_if_modified(|ended| ended.is_none() && ended.replace(why).is_none());
    }
}

impl Place {
    /// Waits until the stream has to end.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it answers, nothing is lost.
    pub async fn ended(&mut self) -> Ended {
        match self.ended.wait_for(Option::is_some).await.map(|ended| *ended) {
            Ok(Some(why)) => why,
            // It is kept for as long as the place is.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(here) = self.streams.lock().remove(&self.id) else { return };
        let evicted = *here.ended.borrow() == Some(Ended::Evicted);
        if self.streams.config.most == 0 || evicted {
            return;
        }
        let (shared, id) = (Arc::clone(&self.streams.shared), self.id);
        // Without a runtime the process is about to end, and the lease after it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Not given back it ends by itself.
                drop(shared.close(&here.holder.subject, id).await);
            });
        }
    }
}
