use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hookwire_edges::State;
use hookwire_redis::Redis;
use hookwire_state::MemoryState;

use crate::config::LogChoice;

/// Keeps what instances share where the log is: in Redis, or in this process, and then what must outlive it beside the
/// folder of the log.
pub(crate) fn open(
    log: &LogChoice,
    redis: Option<Arc<Redis>>,
    longest_token: Duration,
) -> anyhow::Result<State> {
    if let (Some(redis), LogChoice::Redis(config)) = (redis, log) {
        return Ok(State::shared(redis, &config.redis, longest_token));
    }
    let memory = match log {
        LogChoice::Fjall(config) => {
            let path = config.path.with_added_extension("revocations");
            let kept = MemoryState::with_revocations_in(&path);
            kept.with_context(|| format!("cannot read the revocations in {}", path.display()))?
        }
        LogChoice::Memory(_) | LogChoice::Redis(_) => MemoryState::default(),
    };
    Ok(State::alone(memory))
}
