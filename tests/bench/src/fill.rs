use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hookwire_log::{Clock, Log, Retention};
use hookwire_log_fjall::{FjallConfig, FjallLog};

use crate::event::{body, event};
use crate::scenario::BODY_BYTES;

/// Topics that the events of a filled log are spread over.
pub const TOPICS: u64 = 100;

/// Appends that wait at once, so that many share a sync.
const IN_FLIGHT: u64 = 2_048;

/// Appends events until `events` are answered, says so on standard output, and goes on until it is killed: the log is
/// then torn where a crash would tear it.
pub fn fill(folder: &Path, events: u64) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let config = FjallConfig::new(folder, Retention::default());
        let log = Arc::new(FjallLog::open(&config, Clock::system())?);
        let answered = Arc::new(AtomicU64::new(0));
        let body = Arc::new(body(BODY_BYTES));
        let mut appending = tokio::task::JoinSet::new();
        for first in 0..IN_FLIGHT {
            let (log, answered) = (Arc::clone(&log), Arc::clone(&answered));
            let body = Arc::clone(&body);
            appending.spawn(async move {
                for number in (first..).step_by(usize::try_from(IN_FLIGHT)?) {
                    let event = event(&topic(number), &format!("filled-{number}"), &body)?;
                    log.append(event).await?;
                    if answered.fetch_add(1, Ordering::Relaxed) + 1 == events {
                        writeln!(std::io::stdout(), "filled")?;
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = appending.join_next().await {
            ended??;
        }
        Ok(())
    })
}

/// Name of one of the topics.
pub fn topic(number: u64) -> String {
    format!("filled/{}", number % TOPICS)
}
