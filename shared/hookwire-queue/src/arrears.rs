use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{Queue, SendError};

/// Records that the log has and that the queue did not take in time: they are sent when it does again.
///
/// Until then only the log protects them, and they are forgotten with the process.
#[derive(Debug, Clone)]
pub(crate) struct Arrears {
    queue: Arc<dyn Queue>,
    delay: Duration,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    bodies: VecDeque<String>,
    bytes: usize,
    /// Whether a task is at work that sends them.
    attended: bool,
}

/// Most bytes that wait, of a thousand events or so for each; the oldest go first.
const BYTES: usize = 32 * 1024 * 1024;
/// Sent together, so that they share calls.
const AT_ONCE: usize = 100;
const PAUSE: Duration = Duration::from_secs(1);

impl Arrears {
    pub(crate) fn new(queue: Arc<dyn Queue>, delay: Duration) -> Self {
        Self { queue, delay, waiting: Arc::default() }
    }

    /// Keeps a record until the queue takes it.
    pub(crate) fn keep(&self, body: String) {
        let mut waiting = self.waiting();
        waiting.push(body);
        if !std::mem::replace(&mut waiting.attended, true) {
            let arrears = self.clone();
            tokio::spawn(async move { arrears.make_good().await });
        }
    }

    async fn make_good(self) {
        loop {
            sleep(PAUSE.mul_f64(0.5 + fastrand::f64())).await;
            while self.send_some().await {}
            let mut waiting = self.waiting();
            if waiting.bodies.is_empty() {
                waiting.attended = false;
                return;
            }
        }
    }

    /// Whether there were some, and the queue took them all.
    async fn send_some(&self) -> bool {
        let bodies = self.waiting().take(AT_ONCE);
        let sends = bodies.iter().map(|body| self.queue.send(body.clone(), self.delay));
        let sent = join_all(sends).await;
        let mut well = !bodies.is_empty();
        for (body, sent) in bodies.into_iter().zip(sent) {
            if let Err(SendError::Unavailable(_)) = sent {
                self.waiting().push(body);
                well = false;
            }
        }
        well
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, body: String) {
        self.bytes += body.len();
        self.bodies.push_back(body);
        while self.bytes > BYTES {
            let Some(oldest) = self.bodies.pop_front() else { break };
            self.bytes -= oldest.len();
            metrics::counter!("hookwire_unmirrored_total").increment(1);
        }
        self.tell();
    }

    fn take(&mut self, most: usize) -> Vec<String> {
        let most = most.min(self.bodies.len());
        let taken: Vec<_> = self.bodies.drain(..most).collect();
        self.bytes -= taken.iter().map(String::len).sum::<usize>();
        self.tell();
        taken
    }

    fn tell(&self) {
        metrics::gauge!("hookwire_mirror_arrears").set(self.bodies.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_when_there_is_too_much() {
        let mut waiting = Waiting::default();
        for n in 0..5 {
            waiting.push(format!("{n}{}", "x".repeat(BYTES / 4)));
        }
        let kept: Vec<_> =
            waiting.take(9).into_iter().filter_map(|body| body.chars().next()).collect();
        assert_eq!(kept, ['2', '3', '4']);
        assert_eq!(waiting.bytes, 0);
    }
}
