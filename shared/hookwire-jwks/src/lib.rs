//! Published signing keys, fetched rarely and kept ready.
//!
//! A request finds its key in memory and waits for a fetch only when nothing usable is there. One
//! fetch is under way at a time, whoever asks, and an endpoint that fails is not noticed while the
//! last good keys may still be used.

mod algorithm;
mod fetch;
mod jws;
mod key_set;
mod location;
mod verifying_key;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::Instant;

pub use crate::algorithm::Algorithm;
use crate::fetch::{FetchError, Fetched, Fetcher};
pub use crate::jws::{InvalidJws, Jws};
use crate::key_set::KeySet;
pub use crate::location::{JwksLocation, JwksLocationError};
pub use crate::verifying_key::VerifyingKey;

/// Pause after a failed fetch. Requests in it are answered at once from what there is.
///
/// Short enough that a push refused for want of keys finds them on an early retry, long enough that
/// an endpoint in trouble sees a dozen requests a minute.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// How [`Jwks`] fetches and keeps its keys.
#[derive(Clone, Debug)]
pub struct JwksConfig {
    /// Where the keys are. There is no default: whoever owns the place can sign any token.
    pub location: JwksLocation,
    /// The longest a whole fetch may take. Default: 3 s, so that a push that has to wait is still
    /// answered within 5 s.
    pub fetch_timeout: Duration,
    /// How long keys are used beyond their lifetime while fetches fail. Default: 24 h.
    pub keep_last_good: Duration,
    /// Pause between two fetches that are made because a token names an unknown key, which anyone
    /// can do. Default: 60 s.
    pub unknown_key_pause: Duration,
}

impl JwksConfig {
    /// Keys from `location`, with the default times.
    #[must_use]
    pub fn new(location: JwksLocation) -> Self {
        Self {
            location,
            fetch_timeout: Duration::from_secs(3),
            keep_last_good: Duration::from_secs(24 * 60 * 60),
            unknown_key_pause: Duration::from_secs(60),
        }
    }
}

/// The key set behind a URL or file. Nothing is fetched before the first token is verified.
pub struct Jwks {
    config: JwksConfig,
    fetcher: Fetcher,
    state: Mutex<State>,
}

/// A set as it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// How many of its keys can be used.
    pub keys: usize,
    /// How long it is used before it is fetched again.
    pub lifetime: Duration,
    /// Whether whoever publishes it says how long that may be.
    pub says_lifetime: bool,
    /// What whoever publishes it says of the time, in whole seconds.
    pub date: Option<SystemTime>,
}

/// There is no key set to verify with: none was ever fetched, or the last one is too old.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the signing keys could not be fetched")]
pub struct KeysUnavailable(#[source] Option<Arc<FetchError>>);

#[derive(Default)]
struct State {
    last_good: Option<Arc<Kept>>,
    /// The last fetch failed.
    failing: Option<Failing>,
    /// Reports the end of the fetch under way by being closed.
    flight: Option<watch::Receiver<()>>,
    /// When an unknown key last caused a fetch.
    refetched_at: Option<Instant>,
}

struct Kept {
    keys: KeySet,
    fetched_at: Instant,
    /// From here a request starts a fetch and does not wait for it.
    refresh_at: Instant,
    /// From here a request waits for a fetch.
    expires_at: Instant,
}

struct Failing {
    error: Arc<FetchError>,
    retry_at: Instant,
    /// Whether somebody was told that this lasts.
    is_incident: bool,
}

/// What a request that needs keys does next.
enum Next {
    Use(Arc<Kept>),
    Wait(watch::Receiver<()>),
    Refuse(KeysUnavailable),
}

impl Jwks {
    /// Describes a key set; does no I/O.
    #[must_use]
    pub fn new(config: JwksConfig) -> Self {
        let fetcher = Fetcher::new(config.location.place().clone(), config.fetch_timeout);
        Self { config, fetcher, state: Mutex::default() }
    }

    /// Finds the key with this id for this algorithm, in a set fetched anew if the known one lacks
    /// it.
    ///
    /// Ask last, after whatever can be refused without a key.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`]: there is no key set to look in.
    pub async fn key(
        self: &Arc<Self>,
        kid: &str,
        algorithm: Algorithm,
    ) -> Result<Option<Arc<VerifyingKey>>, KeysUnavailable> {
        let asked_at = Instant::now();
        let kept = self.current().await?;
        if let Some(key) = kept.keys.get(kid, algorithm) {
            return Ok(Some(key));
        }
        if let Some(flight) = self.refetch(asked_at) {
            landing(flight).await;
        }
        // Without a fetch of our own as well: another request's may have landed in between.
        Ok(self.lock().last_good.as_ref().and_then(|kept| kept.keys.get(kid, algorithm)))
    }

    /// Finds the key for this algorithm when the set has exactly one, for a token that names none.
    ///
    /// It fetches nothing ahead of time: a key of a token that names none is never unknown.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`]: there is no key set to look in.
    pub async fn only_key(
        self: &Arc<Self>,
        algorithm: Algorithm,
    ) -> Result<Option<Arc<VerifyingKey>>, KeysUnavailable> {
        Ok(self.current().await?.keys.only(algorithm))
    }

    /// Whether the keys could not be fetched when they were last wanted; those of before serve meanwhile, if there are
    /// any.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.lock().failing.is_some()
    }

    /// Where the keys are.
    #[must_use]
    pub fn location(&self) -> &JwksLocation {
        &self.config.location
    }

    /// Fetches the keys now and keeps nothing of them, for whoever wants to know whether that works.
    ///
    /// # Errors
    ///
    /// [`KeysUnavailable`], with why.
    pub async fn look(&self) -> Result<Published, KeysUnavailable> {
        let fetched = self.fetcher.fetch().await;
        let fetched = fetched.map_err(|error| KeysUnavailable(Some(Arc::new(error))))?;
        let Fetched { keys, lifetime, says_lifetime, date } = fetched;
        Ok(Published { keys: keys.len(), lifetime, says_lifetime, date })
    }

    async fn current(self: &Arc<Self>) -> Result<Arc<Kept>, KeysUnavailable> {
        match self.next() {
            Next::Use(kept) => return Ok(kept),
            Next::Refuse(error) => return Err(error),
            Next::Wait(flight) => landing(flight).await,
        }
        let state = self.lock();
        self.usable(&state).ok_or_else(|| state.unavailable())
    }

    fn next(self: &Arc<Self>) -> Next {
        let now = Instant::now();
        let mut state = self.lock();
        let pausing = state.is_pausing(now);
        match self.usable(&state) {
            Some(kept) if pausing || now < kept.refresh_at => Next::Use(kept),
            // A streak of failures turns every fetch into one ahead of its time: requests do not
            // wait for an endpoint that is probably still down.
            Some(kept) if state.failing.is_some() || now < kept.expires_at => {
                drop(self.take_off(&mut state));
                Next::Use(kept)
            }
            None if pausing => Next::Refuse(state.unavailable()),
            Some(_) | None => Next::Wait(self.take_off(&mut state)),
        }
    }

    /// Joins the fetch under way, or starts one for the sake of an unknown key unless there was one
    /// just now.
    fn refetch(self: &Arc<Self>, asked_at: Instant) -> Option<watch::Receiver<()>> {
        let now = Instant::now();
        let mut state = self.lock();
        if let Some(flight) = state.flight() {
            return Some(flight);
        }
        let is_new = state.last_good.as_ref().is_some_and(|kept| kept.fetched_at >= asked_at);
        let pausing = state.is_pausing(now)
            || state.refetched_at.is_some_and(|at| now - at < self.config.unknown_key_pause);
        if is_new || pausing {
            return None;
        }
        state.refetched_at = Some(now);
        Some(self.take_off(&mut state))
    }

    /// Starts a fetch, or joins the one under way.
    ///
    /// It runs as a task of its own: a request that is cancelled must not take the fetch of the
    /// others with it.
    fn take_off(self: &Arc<Self>, state: &mut State) -> watch::Receiver<()> {
        if let Some(flight) = state.flight() {
            return flight;
        }
        let (in_flight, flight) = watch::channel(());
        state.flight = Some(flight.clone());
        let jwks = Arc::clone(self);
        tokio::spawn(async move {
            jwks.land(jwks.fetcher.fetch().await);
            drop(in_flight);
        });
        flight
    }

    fn land(&self, outcome: Result<Fetched, FetchError>) {
        let now = Instant::now();
        let label = outcome.as_ref().map_or_else(FetchError::outcome, |_| "ok");
        metrics::counter!("hookwire_jwks_fetches_total", "outcome" => label).increment(1);
        match outcome {
            Ok(fetched) => {
                let keys = fetched.keys.len();
                let failing = {
                    let mut state = self.lock();
                    state.last_good = Some(Arc::new(Kept::new(fetched, now)));
                    state.failing.take()
                };
                match failing.map(|failing| failing.is_incident) {
                    Some(true) => tracing::info!(
                        incident = "keys-unavailable",
                        resolved = true,
                        jwks.location = %self.config.location,
                        keys,
                        "signing keys are fetched again"
                    ),
                    Some(false) => tracing::info!(
                        jwks.location = %self.config.location,
                        keys,
                        "signing keys are fetched again"
                    ),
                    None => {}
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                let (before, is_incident) = {
                    let mut state = self.lock();
                    let before = state.failing.take().map(|failing| failing.is_incident);
                    // One failure costs nobody anything while there are keys.
                    let is_incident = before.is_some() || self.usable(&state).is_none();
                    let (error, retry_at) = (Arc::clone(&error), now + RETRY_PAUSE);
                    state.failing = Some(Failing { error, retry_at, is_incident });
                    (before, is_incident)
                };
                let location = &self.config.location;
                let error = &*error as &(dyn Error + 'static);
                // Twice per streak: under load a dead endpoint would otherwise write this every few seconds.
                if is_incident && before != Some(true) {
                    tracing::warn!(
                        incident = "keys-unavailable",
                        jwks.location = %location,
                        error,
                        "signing keys cannot be fetched; the last good ones serve meanwhile, if any"
                    );
                } else if before.is_none() {
                    tracing::warn!(
                        jwks.location = %location,
                        error,
                        "signing keys could not be fetched; the last good ones serve"
                    );
                }
            }
        }
    }

    fn usable(&self, state: &State) -> Option<Arc<Kept>> {
        let kept = state.last_good.as_ref()?;
        let overdue = Instant::now().saturating_duration_since(kept.expires_at);
        (overdue.is_zero() || overdue < self.config.keep_last_good).then(|| Arc::clone(kept))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("config", &self.config).finish_non_exhaustive()
    }
}

impl State {
    /// The fetch under way. A closed one has landed, or died with its runtime.
    fn flight(&self) -> Option<watch::Receiver<()>> {
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }

    fn is_pausing(&self, now: Instant) -> bool {
        self.failing.as_ref().is_some_and(|failing| now < failing.retry_at)
    }

    fn unavailable(&self) -> KeysUnavailable {
        KeysUnavailable(self.failing.as_ref().map(|failing| Arc::clone(&failing.error)))
    }
}

impl Kept {
    fn new(fetched: Fetched, fetched_at: Instant) -> Self {
        Self {
            keys: fetched.keys,
            fetched_at,
            // The last fifth of the lifetime is there to fetch the next set in.
            refresh_at: fetched_at + fetched.lifetime * 4 / 5,
            expires_at: fetched_at + fetched.lifetime,
        }
    }
}

/// Waits for the end of a fetch, however it ends.
async fn landing(mut flight: watch::Receiver<()>) {
    while flight.changed().await.is_ok() {}
}
