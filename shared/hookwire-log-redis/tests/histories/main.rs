//! Random histories on real servers: appends, trimming, failovers to whole and to stale copies, lost keys, damage and
//! clocks that jump. Whatever happens, a reader gets what is there, in order, each once, and is told of what is not.
//!
//! A failure names its seed; put it alone into [`SEEDS`] to see it again.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic is how a test fails, and its seed is printed"
)]

mod model;
mod reader;
mod servers;
mod world;

use std::ops::Range;
use std::sync::Arc;

use tokio::task::JoinSet;

use servers::Servers;
use world::{Tally, World};

const SEEDS: Range<u64> = 0..600;
const STEPS: usize = 60;
/// Histories that run at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_a_reader_gets_what_is_there_and_is_told_of_what_is_not() {
    let servers = Arc::new(Servers::start().await);
    let (mut seeds, mut running) = (SEEDS, JoinSet::new());
    let (mut total, mut failed) = (Tally::default(), 0);
    loop {
        while running.len() < AT_ONCE {
            let Some(seed) = seeds.next() else { break };
            let servers = Arc::clone(&servers);
            running.spawn(async move { World::new(seed, servers).run(STEPS).await });
        }
        let Some(ended) = running.join_next().await else { break };
        match ended {
            Ok(tally) => total.add(&tally),
            // The panic has named its seed.
            Err(_) => failed += 1,
        }
    }
    assert_eq!(failed, 0, "histories went wrong");
    println!("{total:?}");
    // A test of nothing would pass as well.
    let Tally { appended, duplicates, read, gaps, .. } = total;
    assert!(appended > 20_000 && duplicates > 1_000 && read > 20_000 && gaps.len() == 4);
}
