use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hookwire_jwks::Jwks;
use hookwire_log::{Lateness, Log, NotReady};
use tracing::{info, warn};

use crate::Words;

/// Whether a process can serve, and what keeps it from that or makes it serve less than all.
pub struct Readiness {
    log: Arc<dyn Log>,
    lateness: Lateness,
    signs: Vec<(Words, Sign)>,
    /// What was wrong when it was looked last, and since when.
    known: Mutex<HashMap<Words, Known>>,
}

/// Since when something is wrong, and whether that was logged here.
struct Known {
    since: SystemTime,
    is_told: bool,
}

type Sign = Box<dyn Fn() -> bool + Send + Sync>;

/// What a look found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// What keeps it from serving; nothing when it can.
    pub unready: Vec<Trouble>,
    /// What makes it serve less than all.
    pub degraded: Vec<Trouble>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub words: Words,
    /// When a look first found it.
    pub since: SystemTime,
}

impl Health {
    /// Whether it can serve.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.unready.is_empty()
    }
}

impl Readiness {
    /// That of whoever serves from this log.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, lateness: Lateness) -> Self {
        Self { log, lateness, signs: Vec::new(), known: Mutex::default() }
    }

    /// It is degraded as well while `sign` says so, which must not wait.
    #[must_use]
    pub fn degraded_while(
        mut self,
        words: Words,
        sign: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        self.signs.push((words, Box::new(sign)));
        self
    }

    /// It is degraded as well while any of these cannot be fetched.
    #[must_use]
    pub fn with_keys(self, keys: Vec<Arc<Jwks>>) -> Self {
        let failing = move || keys.iter().any(|keys| keys.is_failing());
        self.degraded_while(Words::KEYS_UNAVAILABLE, failing)
    }

    /// Looks now. It asks the log, which may take as long as a Redis that is away keeps a call.
    ///
    /// What keeps it from serving is logged when it begins, with the cause that nobody else is told, and when it ends. What
    /// degrades it is logged by whoever noticed.
    pub async fn look(&self) -> Health {
        let log = self.log.ready().await;
        let cause = log.as_ref().err();
        let unready = cause.map_or(&[][..], unready);
        let late = self.lateness.is_late().then_some(Words::LATE);
        let signs = self.signs.iter().filter(|(_, sign)| sign()).map(|(words, _)| *words);
        let degraded: Vec<Words> = late.into_iter().chain(signs).collect();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|words, known| {
            let is_there = unready.contains(words) || degraded.contains(words);
            if !is_there && known.is_told {
                let lasted = known.since.elapsed().unwrap_or_default();
                let duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
                info!(duration_ms, "over: {}", words.reason);
            }
            is_there
        });
        let mut trouble = |words: Words, cause: Option<&NotReady>| {
            let known = known.entry(words).or_insert_with(|| Known::now(words, cause));
            Trouble { words, since: known.since }
        };
        Health {
            unready: unready.iter().map(|words| trouble(*words, cause)).collect(),
            degraded: degraded.into_iter().map(|words| trouble(words, None)).collect(),
        }
    }
}

impl Known {
    fn now(words: Words, cause: Option<&NotReady>) -> Self {
        if let Some(cause) = cause {
            warn!(error = cause as &(dyn Error + 'static), "not ready: {}", words.reason);
        }
        Self { since: SystemTime::now(), is_told: cause.is_some() }
    }
}

fn unready(why: &NotReady) -> &'static [Words] {
    match why {
        NotReady::Unreachable(_) => &[Words::REDIS_UNREACHABLE],
        NotReady::LeftAlone(_) => &[Words::REDIS_UNREACHABLE, Words::LEFT_ALONE],
        NotReady::Refused(_) => &[Words::REDIS_REFUSES],
        NotReady::Broken(_) => &[Words::LOG_BROKEN],
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("log", &self.log).finish_non_exhaustive()
    }
}
