//! Which lines are logged, changed while the process runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::reload::{self, Handle};

use super::filter::{capped, judged};

/// Which lines are logged; it can be changed at any time, also for a while only.
#[derive(Clone)]
pub struct LogFilter(Arc<Shared>);

struct Shared {
    handle: Handle<Targets, Registry>,
    asked: Mutex<Asked>,
}

struct Asked {
    filter: Targets,
    /// What comes back when a while is over.
    lasting: Targets,
    /// Grows with each change: the end of an earlier while must not undo a later change.
    changes: u64,
}

/// What is wrong with a filter.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidFilter(pub(super) String);

impl LogFilter {
    pub(super) fn new(filter: Targets) -> (Self, reload::Layer<Targets, Registry>) {
        let (layer, handle) = reload::Layer::new(capped(&filter));
        let asked = Asked { lasting: filter.clone(), filter, changes: 0 };
        (Self(Arc::new(Shared { handle, asked: Mutex::new(asked) })), layer)
    }

    /// Logs what this filter says, written like `RUST_LOG`: for ever, or for a while and then again what was logged before.
    ///
    /// The end of a while is waited for by a task; it panics outside of a Tokio runtime.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn set(&self, filter: &str, lasts: Option<Duration>) -> Result<(), InvalidFilter> {
        let filter = judged(filter)?;
        let changes = {
            let mut asked = self.asked();
            if lasts.is_none() {
                asked.lasting = filter.clone();
            }
            asked.changes += 1;
            self.apply(&mut asked, filter);
            asked.changes
        };
        if let Some(lasts) = lasts {
            let this = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(lasts).await;
                this.revert(changes);
            });
        }
        Ok(())
    }

    fn revert(&self, changes: u64) {
        let mut asked = self.asked();
        if asked.changes == changes {
            let lasting = asked.lasting.clone();
            self.apply(&mut asked, lasting);
            drop(asked);
            tracing::info!(target: "hookwire::audit", filter = %self, "the log's filter is the one of before again");
        }
    }

    fn apply(&self, asked: &mut Asked, filter: Targets) {
        // Fails where logging was started before, and so this filter is nobody's.
        drop(self.0.handle.reload(capped(&filter)));
        asked.filter = filter;
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As `RUST_LOG` would be written.
impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = self.asked();
        let general = asked.filter.default_level().map(|level| level.to_string());
        let targets = asked.filter.iter().map(|(target, level)| format!("{target}={level}"));
        let mut all: Vec<String> = targets.collect();
        all.sort();
        f.write_str(&general.into_iter().chain(all).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogFilter").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One whose subscriber lives as long as it.
    fn filter() -> (LogFilter, reload::Layer<Targets, Registry>) {
        LogFilter::new("info,fjall=warn".parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_for_a_while_ends_by_itself() {
        let (filter, _layer) = filter();
        assert_eq!(filter.to_string(), "info,fjall=warn");
        filter.set("debug", Some(Duration::from_mins(10))).unwrap();
        assert_eq!(filter.to_string(), "debug");
        tokio::time::sleep(Duration::from_secs(601)).await;
        assert_eq!(filter.to_string(), "info,fjall=warn");
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_earlier_while_undoes_no_later_change() {
        let (filter, _layer) = filter();
        filter.set("debug", Some(Duration::from_mins(10))).unwrap();
        filter.set("trace", Some(Duration::from_mins(30))).unwrap();
        tokio::time::sleep(Duration::from_mins(11)).await;
        assert_eq!(filter.to_string(), "trace");
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert_eq!(filter.to_string(), "info,fjall=warn");
        filter.set("debug", Some(Duration::from_mins(10))).unwrap();
        filter.set("warn", None).unwrap();
        tokio::time::sleep(Duration::from_mins(11)).await;
        assert_eq!(filter.to_string(), "warn");
    }

    #[test]
    fn a_filter_that_would_log_nothing_by_mistake_is_refused() {
        let (filter, _layer) = filter();
        for wrong in ["debg", "", "a=b=c", "hookwire=loud", "hookwire_redis"] {
            let told = filter.set(wrong, None).unwrap_err().to_string();
            assert!(told.contains("level"), "{wrong}: {told}");
        }
        assert_eq!(filter.to_string(), "info,fjall=warn");
        for right in ["debug", "off", "WARN", "info,hookwire_redis=trace", "hookwire_redis=debug"] {
            filter.set(right, None).unwrap();
        }
    }
}
