use std::sync::Arc;

use anyhow::Context;
use hookwire_redis::Redis;
use hookwire_state::{Cursors, Limiter, MemoryState, Revocations, Streams, Tickets};

use crate::config::LogChoice;

/// What the instances share beside the log.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// Without it the process counts alone.
    pub(crate) limiter: Option<Arc<dyn Limiter>>,
    pub(crate) streams: Arc<dyn Streams>,
    pub(crate) cursors: Arc<dyn Cursors>,
    pub(crate) tickets: Arc<dyn Tickets>,
    pub(crate) revocations: Arc<dyn Revocations>,
}

/// Keeps it where the log is.
pub(crate) fn open(log: &LogChoice, _redis: Option<&Arc<Redis>>) -> anyhow::Result<State> {
    let memory = match log {
        LogChoice::Fjall(config) => {
            let path = config.path.with_added_extension("revocations");
            let kept = MemoryState::with_revocations_in(&path);
            kept.with_context(|| format!("cannot keep revocations in {}", path.display()))?
        }
        LogChoice::Memory(_) | LogChoice::Redis(_) => MemoryState::default(),
    };
    let memory = Arc::new(memory);
    Ok(State {
        limiter: None,
        streams: Arc::clone(&memory) as _,
        cursors: Arc::clone(&memory) as _,
        tickets: Arc::clone(&memory) as _,
        revocations: memory,
    })
}
