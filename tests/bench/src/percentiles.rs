use std::time::Duration;

use crate::spread::Spread;

/// How long answers took, in milliseconds.
#[derive(Debug)]
pub struct Percentiles {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Percentiles {
    pub fn new(mut waited: Vec<Duration>) -> Self {
        waited.sort_unstable();
        // The smallest one that so many of a hundred do not exceed.
        let at = |percent: usize| (waited.len() * percent).div_ceil(100).saturating_sub(1);
        let ms = |percent| waited.get(at(percent)).map_or(f64::NAN, |w| w.as_secs_f64() * 1e3);
        Self { p50: ms(50), p95: ms(95), p99: ms(99), max: ms(100) }
    }

    pub fn p95(&self) -> f64 {
        self.p95
    }

    /// p50, p95, p99 and the longest, over several rounds.
    pub fn spreads(rounds: &[Self]) -> [Spread; 4] {
        let spread = |figure: fn(&Self) -> f64| rounds.iter().map(figure).collect::<Spread>();
        [spread(|r| r.p50), spread(|r| r.p95), spread(|r| r.p99), spread(|r| r.max)]
    }
}
