use std::time::Duration;

use tokio::time::Instant;

/// Tells of a stretch of trouble with new connections when it begins, now and then while it lasts, and when it is over:
/// who attacks decides how many connections there are, and must not decide how many lines.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Option<Stretch>);

#[derive(Debug)]
struct Stretch {
    began: Instant,
    last: Instant,
    connections: u64,
    told_at: Instant,
    told_times: u32,
}

impl Trouble {
    /// Pause between two lines, doubled by each.
    const TOLD_EVERY: Duration = Duration::from_secs(10);
    /// A stretch is over when so long nothing happened: a server at its cap serves some and refuses some.
    const OVER_AFTER: Duration = Duration::from_secs(10);

    /// Notes that a connection was not accepted, was refused, or that another made room for it.
    pub(crate) fn note(&mut self, what: &dyn std::fmt::Display) {
        let now = Instant::now();
        self.quiet();
        let stretch = self.0.get_or_insert(Stretch {
            began: now,
            last: now,
            connections: 0,
            told_at: now,
            told_times: 0,
        });
        stretch.last = now;
        stretch.connections += 1;
        let pause = Self::TOLD_EVERY * (1 << stretch.told_times.saturating_sub(1).min(8));
        if stretch.told_times == 0 || now - stretch.told_at > pause {
            stretch.told_at = now;
            stretch.told_times += 1;
            tracing::warn!(what = %what, connections = stretch.connections, "trouble with new connections");
        }
    }

    /// Notes that a connection was taken without any; the stretch may be over.
    pub(crate) fn quiet(&mut self) {
        let over = self.0.take_if(|stretch| stretch.last.elapsed() > Self::OVER_AFTER);
        let Some(Stretch { began, last, connections, .. }) = over else { return };
        let duration_ms = u64::try_from((last - began).as_millis()).unwrap_or(u64::MAX);
        tracing::info!(connections, duration_ms, "no more trouble with new connections");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_thousand_refusals_are_a_few_lines_and_a_quiet_while_ends_them() {
        let mut trouble = Trouble::default();
        for _ in 0..1_000 {
            trouble.note(&"refused");
            trouble.quiet();
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        let stretch = trouble.0.as_ref().unwrap();
        assert_eq!((stretch.connections, stretch.told_times), (1_000, 4));
        tokio::time::advance(Duration::from_secs(11)).await;
        trouble.quiet();
        assert!(trouble.0.is_none());
    }
}
