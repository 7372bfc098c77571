use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// A steady rate with a burst: what comes faster waits.
#[derive(Debug)]
pub(crate) struct Pace {
    each: Duration,
    /// When the turns given so far would be used up at a steady rate.
    used_up: Instant,
}

impl Pace {
    /// How much of the rate may come at once.
    const BURST: Duration = Duration::from_secs(1);

    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { each: Duration::from_secs(1) / per_second.get(), used_up: Instant::now() }
    }

    /// Waits until the next turn is due, and takes it.
    pub(crate) async fn turn(&mut self) {
        let used_up = self.used_up.max(Instant::now()) + self.each;
        // Without a need to wait there is no yield, either: the timer is not touched.
        if used_up > Instant::now() + Self::BURST {
            tokio::time::sleep_until(used_up - Self::BURST).await;
        }
        self.used_up = used_up;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_second_of_the_rate_comes_at_once_and_the_rest_at_the_rate() {
        let mut pace = Pace::new(NonZeroU32::new(100).unwrap());
        let began = Instant::now();
        for _ in 0..100 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..200 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed().as_millis(), 2_000);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let later = Instant::now();
        for _ in 0..101 {
            pace.turn().await;
        }
        assert_eq!(later.elapsed().as_millis(), 10, "a quiet minute saves up one second");
    }
}
